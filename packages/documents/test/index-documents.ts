import type { Database } from "@millrace/database";
import { createExtractor } from "@millrace/extract";
import { localAccess, silentLogger } from "@millrace/kernel";
import type { Models } from "@millrace/models";
import { handleTask, Queue, runInline } from "@millrace/queue";
import { createFileStore, Documents } from "../src/index.ts";
import { indexDocument } from "../src/process/index-document.ts";
import { processDocument } from "../src/process/process-task.ts";
import type { ProcessParts } from "../src/process/process-task.ts";
import { readForProcessing } from "../src/process/read-for-processing.ts";

/** Accepts texts, and makes documents searchable as their jobs do. */
export function indexing(database: Database, models: Models) {
  const queue = new Queue({ database, logger: silentLogger, handlers: [] });
  const files = createFileStore({ directory: "unused" });
  const documents = new Documents({ queue, files });
  const parts = {
    ...{ database, models, files },
    // Not started: pasted text is not read from a file.
    extractor: createExtractor({ logger: silentLogger, tempDirectory: "unused" }),
    appendEvents: async (scope, events) => queue.appendEvents(scope, events),
  } satisfies ProcessParts;
  return {
    accept: async (text: string): Promise<string> => {
      const content = { kind: "text", text } as const;
      const taken = await documents.accept(localAccess, {
        ...{ content, title: undefined, idempotency: undefined },
      });
      return taken.kind === "new" ? taken.accepted.document.id : "";
    },
    index: async (id: string) => {
      const handler = handleTask({
        task: processDocument,
        run: async (context) => {
          const document = await readForProcessing(database.queryable, id);
          if (document === undefined) throw new Error("there is no document");
          await indexDocument(parts, context, document);
          return { status: "completed", text_length: 0 };
        },
      });
      return await runInline(
        handler,
        { document_id: id, scope: "everything", parts: [], answers: "reuse" },
        { transaction: (work) => queue.transaction(work) },
      );
    },
  };
}
