// SPDX-License-Identifier: Apache-2.0
//
// A file on its way to being a dataset. Two things are told while it goes: how many bytes have left
// (XMLHttpRequest knows, fetch does not), and how many records the server has read of them (asked
// for under the id that the page has chosen for the dataset).

import { getOnce, problemIn, problemOf, recovery, unreachable } from "./http.ts";
import { services } from "./services.ts";
import type { Dataset } from "./wire.ts";

const POLL_EVERY_MS = 300;

export interface UploadProgress {
  sentBytes: number;
  isSent: boolean;
  records: number;
  rejected: number;
}

/** maps: "field=column or value", as in `netra ask --map`. */
export async function upload(
  file: File,
  id: string,
  maps: string[],
  onProgress: (progress: UploadProgress) => void,
): Promise<Dataset> {
  const progress: UploadProgress = { sentBytes: 0, isSent: false, records: 0, rejected: 0 };
  const tell = (change: Partial<UploadProgress>): void => {
    Object.assign(progress, change);
    onProgress({ ...progress });
  };
  const query = new URLSearchParams({ name: file.name, id });
  for (const map of maps) query.append("map", map);

  let isPolling = false;
  const timer = window.setInterval(async () => {
    if (isPolling) return;
    isPolling = true;
    try {
      const dataset = await getOnce<Dataset>(`/api/datasets/${id}`);
      tell({ records: dataset.records, rejected: dataset.rejected });
    } catch {
      // Not there yet, or not reachable for a moment: the upload itself says what matters.
    } finally {
      isPolling = false;
    }
  }, POLL_EVERY_MS);
  try {
    // Not safe to repeat by itself: it may have been broken off in the middle. Signing in helps.
    return await recovery.through(false, () => sendFile(file, `/api/datasets?${query}`, tell));
  } finally {
    window.clearInterval(timer);
  }
}

async function sendFile(
  file: File,
  path: string,
  tell: (change: Partial<UploadProgress>) => void,
): Promise<Dataset> {
  const headers = await services.headers().catch(() => {
    throw unreachable();
  });
  if (headers instanceof Response) throw await problemIn(headers);
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", services.url(path));
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.onprogress = (event) => tell({ sentBytes: event.loaded });
    request.upload.onload = () => tell({ sentBytes: file.size, isSent: true });
    request.onerror = () => reject(unreachable());
    request.onabort = () => reject(unreachable());
    request.onload = () => {
      if (request.status < 200 || request.status > 299) {
        reject(problemOf(request.status, request.responseText, request.getResponseHeader("Retry-After")));
        return;
      }
      try {
        resolve(JSON.parse(request.responseText) as Dataset);
      } catch {
        reject(problemOf(502, "", null));
      }
    };
    request.send(file);
  });
}

