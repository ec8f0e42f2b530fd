import { partNames } from "@millrace/contracts";
import type { DocumentStatus, PartName } from "@millrace/contracts";
import type { Database } from "@millrace/database";
import { localAccess, newId, silentLogger } from "@millrace/kernel";
import { Queue } from "@millrace/queue";
import type { WriteScope } from "@millrace/queue";
import { sql } from "kysely";
import { handleProcessDocument, handleRerunPart } from "../src/index.ts";
import { readForProcessing } from "../src/process/read-for-processing.ts";
import { insertRerun } from "../src/rerun/rerun-rows.ts";
import { setPart } from "../src/write-documents.ts";
import { insertDocuments } from "./insert-documents.ts";

/** How a document ends whose parts are made by two jobs: by the hooks of their tasks, without a worker. */
export function endingDocuments(database: Database) {
  const queue = new Queue({ database, logger: silentLogger, handlers: [] });
  const told: { readonly type: string; readonly status: unknown }[] = [];
  // Of their parts only this is used by the hooks.
  const parts = {
    appendEvents: async (_scope: WriteScope, events: Parameters<Queue["appendEvents"]>[1]) => {
      for (const { type, data } of events) told.push({ type, status: data["status"] });
    },
  };
  const processing = handleProcessDocument(parts as Parameters<typeof handleProcessDocument>[0]);
  const remaking = handleRerunPart(parts as Parameters<typeof handleRerunPart>[0]);
  return {
    queue,
    told,
    /** A document that is worked on, of which some parts are done, while the summary is made again beside it. */
    begin: async (done: readonly PartName[]) => {
      const { queryable } = database;
      const [id = ""] = await insertDocuments(queryable, localAccess, {
        ...{ count: 1, title: "Weir", text: "The weir is open." },
      });
      const jobs = { process: newId(), rerun: newId() };
      await sql`
        UPDATE document SET status = 'processing', job_id = ${jobs.process}, text_length = 17
        WHERE id = ${id}`.execute(queryable);
      await database.transaction(async (transaction) => {
        for (const part of partNames)
          await setPart(transaction, id, part, {
            ...(done.includes(part)
              ? { state: "done", result: {} }
              : { state: "failed", reason: "No model." }),
          });
        const rerun = { documentId: id, part: "summary", jobId: jobs.rerun, model: null } as const;
        await insertRerun(transaction, rerun);
      });
      return { id, jobs };
    },
    /** As its job found it. */
    end: async (
      scope: WriteScope,
      { id, jobs }: { readonly id: string; readonly jobs: { readonly process: string } },
      found: "partial" | { readonly code: string; readonly message: string },
    ) => {
      const input = { document_id: id, scope: "parts", parts: ["topics"], answers: "reuse" };
      const end = { jobId: jobs.process, input, wasBlocked: false };
      await processing.onEnd?.(
        scope,
        found === "partial"
          ? { ...end, state: "succeeded", output: { status: found, text_length: 17 } }
          : { ...end, state: "failed", error: found },
      );
    },
    /** The summary is made. */
    remake: async (
      scope: WriteScope,
      { id, jobs }: { readonly id: string; readonly jobs: { readonly rerun: string } },
    ) => {
      await remaking.onEnd?.(scope, {
        ...{ jobId: jobs.rerun, wasBlocked: false, state: "succeeded" },
        input: { document_id: id, part: "summary", model: null },
        output: { result: {}, model: "m", extractive: false, input_tokens: 1, output_tokens: 1 },
      });
    },
    statusOf: async (id: string): Promise<DocumentStatus | undefined> =>
      (await readForProcessing(database.queryable, id))?.status,
  };
}
