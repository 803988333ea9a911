// SPDX-License-Identifier: Apache-2.0
//
// An event stream, however its bytes are cut.

import assert from "node:assert/strict";
import { test } from "node:test";
import { StreamReader } from "../src/event_stream.ts";

const STREAM = 'id: 1\ndata: {"seq":1}\n\n: keep alive\n\nid: 2\r\ndata: {"a":\r\ndata: 2}\r\n\r\nid: 3\ndata: {"seq":3}\n';

test("each event once, whole, at any cut", () => {
  for (let size = 1; size <= STREAM.length; size++) {
    const reader = new StreamReader();
    const found: string[] = [];
    for (let at = 0; at < STREAM.length; at += size) found.push(...reader.push(STREAM.slice(at, at + size)));
    assert.deepEqual(found, ['{"seq":1}', '{"a":\n2}'], `pieces of ${size}; what has not ended is not told`);
  }
});
