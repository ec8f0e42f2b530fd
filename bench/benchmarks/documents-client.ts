import { acceptedDocumentSchema, documentStatsSchema } from "@millrace/contracts";
import type { AcceptedDocument } from "@millrace/contracts";
import { sleep } from "@millrace/kernel";
import { z } from "zod";

const processTimeoutMs = 300_000;

/** Sends a text for processing. Throws unless it is accepted. */
export async function postText(serverUrl: string, text: string): Promise<AcceptedDocument> {
  const body = JSON.stringify({ text });
  return await accept(serverUrl, { headers: { "content-type": "application/json" }, body });
}

/** Sends a file for processing. Throws unless it is accepted. */
export async function postFile(serverUrl: string, name: string, bytes: Buffer): Promise<AcceptedDocument> {
  const body = new FormData();
  body.set("file", new Blob([new Uint8Array(bytes)], { type: "application/pdf" }), name);
  return await accept(serverUrl, { body });
}

async function accept(serverUrl: string, init: RequestInit): Promise<AcceptedDocument> {
  const response = await fetch(`${serverUrl}/api/documents`, {
    method: "POST",
    signal: AbortSignal.timeout(60_000),
    ...init,
  });
  if (response.status !== 202)
    throw new Error(`POST /api/documents: ${response.status} ${await response.text()}`);
  return acceptedDocumentSchema.parse(await response.json());
}

/** How many documents have been processed, however they ended; and how many ended well. */
export async function countProcessed(serverUrl: string): Promise<{ ended: number; completed: number }> {
  const response = await fetch(`${serverUrl}/api/documents/stats`, { signal: AbortSignal.timeout(30_000) });
  const { completed, partial, failed, cancelled } = z
    .object(documentStatsSchema.shape)
    .parse(await response.json());
  return { ended: completed + partial + failed + cancelled, completed };
}

/** Looks every 200 ms until so many documents have ended. Throws when one did not end well. */
export async function waitUntilProcessed(serverUrl: string, count: number): Promise<void> {
  const deadline = performance.now() + processTimeoutMs;
  for (;;) {
    const { ended, completed } = await countProcessed(serverUrl);
    if (completed < ended) throw new Error(`${ended - completed} documents were not completed.`);
    if (ended >= count) return;
    if (performance.now() > deadline)
      throw new Error(`Only ${ended} of ${count} documents in ${processTimeoutMs} ms.`);
    await sleep(200);
  }
}
