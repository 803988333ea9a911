// SPDX-License-Identifier: Apache-2.0
//
// stopped_reader.mjs URL DATASET: asks over a WebSocket; says "started" with the first event and waits to be stopped.
// When the socket is gone it resumes until the end, and says "whole N events" if the numbers have no gap.

import WebSocket from "ws";

import { token } from "./server.mjs";

const [url, dataset] = process.argv.slice(2);
const seqs = [];

function open(first) {
  const socket = new WebSocket(`${url.replace("http", "ws")}/ws`, ["ag-ui.v1+json"], { headers: { authorization: `Bearer ${token}` } });
  socket.on("open", () => socket.send(JSON.stringify(first)));
  socket.on("error", () => {});
  socket.on("message", (data) => {
    const event = JSON.parse(String(data));
    if (event.seq === undefined) return;
    seqs.push(event.seq);
    if (event.seq === 1) console.log("started");
    if (event.type === "RUN_FINISHED" || event.type === "RUN_ERROR") isEnded = true;
  });
  socket.on("close", () => {
    cuts++;
    if (!isEnded) setTimeout(() => open({ type: "resume", runId: "stopped", lastSeq: seqs.at(-1) ?? 0 }), 50);
  });
}

let isEnded = false;
let cuts = 0;
open({ type: "run", prompt: "What do I spend?", dataset, runId: "stopped" });
const timer = setInterval(() => {
  if (!isEnded || cuts === 0) return;
  clearInterval(timer);
  const isWhole = seqs.every((seq, i) => seq === i + 1);
  console.log(isWhole ? `whole ${seqs.length} events` : `gaps: ${seqs}`);
  process.exit(isWhole ? 0 : 1);
}, 50);
