import { openAsBlob } from "node:fs";
import {
  acceptedDocumentSchema,
  analysisSchema,
  documentSchema,
  documentSnapshotSchema,
  isSettled,
  liveEventSchema,
} from "@millrace/contracts";
import { errorCode, newId } from "@millrace/kernel";
import { pause } from "../pause.ts";
import { mayPass } from "../server/api-client.ts";
import type { ApiClient, ApiRequest } from "../server/api-client.ts";
import { followEvents } from "../server/follow-events.ts";
import { endsProcessing } from "./processor.ts";
import type { DocumentUpdate, Processor, Source } from "./processor.ts";

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

async function* watch(
  client: ApiClient,
  path: string,
  signal: AbortSignal,
): AsyncGenerator<DocumentUpdate, void, undefined> {
  for await (const { type, data } of followEvents(client, path, signal)) {
    if (type === "snapshot") {
      const snapshot = documentSnapshotSchema.safeParse(data);
      if (snapshot.success && isSettled(snapshot.data.document.status)) return;
      continue;
    }
    yield { type, data: liveEventSchema.shape.data.parse(data) };
    if (endsProcessing(type)) return;
  }
}
