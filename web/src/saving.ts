// SPDX-License-Identifier: Apache-2.0
//
// Something of the backend as a file of the person's: for where a link would bring no token.

import { getBlob } from "./http.ts";

const KEPT_MS = 60_000; // until the browser has it for sure

export async function save(path: string, name: string): Promise<void> {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await getBlob(path));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), KEPT_MS);
}
