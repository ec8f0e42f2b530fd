import { openAsBlob } from "node:fs";
import {
  acceptedDocumentSchema,
  analysisSchema,
  documentSchema,
  documentSnapshotSchema,
  isSettled,
  liveEventSchema,
} from "@millrace/contracts";
import { errorCode, newId, parseJson } from "@millrace/kernel";
import { serverNotReachable } from "../errors.ts";
import { pause } from "../pause.ts";
import { mayPass } from "../server/api-client.ts";
import type { ApiClient, ApiRequest } from "../server/api-client.ts";
import { readEvents } from "../server/event-stream.ts";
import type { ServerSentEvent } from "../server/event-stream.ts";
import { endsProcessing } from "./processor.ts";
import type { DocumentUpdate, Processor, Source } from "./processor.ts";

/** A restart of a server takes seconds; one that is away longer may not come back. */
const patienceMs = 60_000;
const pauseMs = 1_000;
const maxSendings = 4;

/** Processing by a running server, over its API. */
export function createRemoteProcessor(client: ApiClient): Processor {
  const path = (id: string): string => `/api/documents/${id}`;
  return {
    place: "server",
    accept: async ({ source, title }, signal) => {
      // With a key, sending again after a lost answer does not make a second document.
      const headers = { "idempotency-key": `"${newId()}"` };
      return await sendAgain(signal, async () => {
        const body = await bodyOf(source, title);
        const request: ApiRequest = { method: "POST", headers, body, signal };
        return await client.call("/api/documents", acceptedDocumentSchema, request);
      });
    },
    watch: (id, signal) => watch(client, `${path(id)}/events`, signal),
    read: async (id) => ({
      document: await client.call(path(id), documentSchema),
      analysis: await client.call(`${path(id)}/analysis`, analysisSchema),
    }),
    cancel: async (id) => {
      try {
        await client.call(`${path(id)}/cancel_processing`, acceptedDocumentSchema, { method: "POST" });
      } catch (error) {
        if (errorCode(error) !== "already_finished") throw error;
      }
    },
    close: async () => undefined,
  };
}

async function bodyOf(source: Source, title: string | undefined): Promise<FormData | string> {
  if (source.kind === "text") return JSON.stringify({ text: source.text, title });
  const blob = source.kind === "file" ? await openAsBlob(source.path) : new Blob([source.bytes]);
  const form = new FormData();
  if (title !== undefined) form.set("title", title);
  form.set("file", blob, source.fileName);
  return form;
}

async function sendAgain<Result>(signal: AbortSignal, send: () => Promise<Result>): Promise<Result> {
  for (let sending = 1; ; sending++) {
    try {
      return await send();
    } catch (error) {
      if (sending === maxSendings || !mayPass(error)) throw error;
      await pause(pauseMs * sending, signal);
    }
  }
}

/** Follows over lost connections: each new one goes on after the last event that was seen. */
async function* watch(
  client: ApiClient,
  path: string,
  signal: AbortSignal,
): AsyncGenerator<DocumentUpdate, void, undefined> {
  let lastId: string | undefined;
  let lostAtMs: number | undefined;
  for (;;) {
    try {
      const headers = lastId === undefined ? {} : { "last-event-id": lastId };
      const response = await client.open(path, { query: { until: "finished" }, headers, signal });
      // No content: the last event seen was the end.
      if (response.status === 204 || response.body === null) return;
      for await (const event of readEvents(response.body)) {
        lastId = event.id ?? lastId;
        lostAtMs = undefined;
        const update = updateOf(event);
        if (update === "finished") return;
        if (update === undefined) continue;
        yield update;
        if (endsProcessing(update.type)) return;
      }
    } catch (error) {
      signal.throwIfAborted();
      // A stream that breaks off throws the client's own errors, which say nothing of use.
      if (errorCode(error) !== "internal_error" && !mayPass(error)) throw error;
    }
    lostAtMs ??= performance.now();
    if (performance.now() - lostAtMs > patienceMs) throw serverNotReachable(client.url);
    await pause(pauseMs, signal);
  }
}

function updateOf({ type, text }: ServerSentEvent): DocumentUpdate | "finished" | undefined {
  if (type === "reset") return undefined;
  if (type === "snapshot") {
    const snapshot = documentSnapshotSchema.safeParse(snapshotData(parseJson(text)));
    return snapshot.success && isSettled(snapshot.data.document.status) ? "finished" : undefined;
  }
  const event = liveEventSchema.parse(parseJson(text));
  return { type: event.type, data: event.data };
}

function snapshotData(message: unknown): unknown {
  return typeof message === "object" && message !== null && "data" in message ? message.data : undefined;
}
