// SPDX-License-Identifier: Apache-2.0
//
// The page is built to build/web, where tools/embed_page.py finds it. `npm run dev` serves the
// sources instead and passes everything else on to a running server: NETRA_URL, or port 8080.

import { defineConfig } from "vite";

const server = process.env["NETRA_URL"] ?? "http://127.0.0.1:8080";

export default defineConfig({
  esbuild: { jsx: "automatic", jsxImportSource: "preact", legalComments: "none" },
  build: {
    outDir: "../build/web",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0, // the content security policy allows no inline scripts or styles
    modulePreload: { polyfill: false },
  },
  server: {
    port: 5173,
    proxy: {
      "/api": { target: server, changeOrigin: true, headers: { Origin: server } },
      "/auth": { target: server, changeOrigin: true },
      "/ws": { target: server, ws: true, changeOrigin: true, headers: { Origin: server } },
    },
  },
});
