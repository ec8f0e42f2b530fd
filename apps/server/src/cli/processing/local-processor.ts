import { createReadStream } from "node:fs";
import { isSettled } from "@millrace/contracts";
import { displayFileName } from "@millrace/documents";
import type { NewContent } from "@millrace/documents";
import { detectFileType } from "@millrace/extract";
import { errorCode, Lifecycle, localAccess } from "@millrace/kernel";
import type { Logger } from "@millrace/kernel";
import { createLiveHub } from "@millrace/live";
import type { LiveHub } from "@millrace/live";
import { loadProgram } from "../../config/load-program.ts";
import { openInstallation } from "../../roles/open-installation.ts";
import type { Installation } from "../../roles/open-installation.ts";
import { createWorker, startWorker } from "../../roles/start-worker.ts";
import type { Settings } from "../../settings.ts";
import { endsProcessing } from "./processor.ts";
import type { DocumentUpdate, Processor, Source } from "./processor.ts";

const stopDeadlineMs = 15_000;

/**
 * Processing in this process, on the embedded database of the data folder, with the program of the working folder:
 * what is under way there goes on too. Throws `data_folder_in_use` when another process has the folder.
 */
export async function openLocalProcessor(options: {
  readonly settings: Settings;
  readonly logger: Logger;
}): Promise<Processor> {
  const { settings, logger } = options;
  const lifecycle = new Lifecycle(logger);
  try {
    const program = await loadProgram(process.cwd());
    const installation = await openInstallation({ settings, logger, lifecycle, program });
    await startWorker(createWorker(installation, settings), installation, { lifecycle, logger });
    const hub = createLiveHub({ feed: installation.queue.feed, logger });
    await lifecycle.start(hub);
    return createProcessor({ installation, hub, lifecycle, maxBytes: settings.MAX_UPLOAD_BYTES });
  } catch (error) {
    await lifecycle.stop(stopDeadlineMs);
    throw error;
  }
}

function createProcessor(parts: {
  readonly installation: Installation;
  readonly hub: LiveHub;
  readonly lifecycle: Lifecycle;
  readonly maxBytes: number;
}): Processor {
  const { installation, hub, lifecycle, maxBytes } = parts;
  const { documents } = installation;
  return {
    place: "here",
    accept: async ({ source, title }) => {
      const content = await store(installation, source, maxBytes);
      const result = await documents.accept(localAccess, { content, title, idempotency: undefined });
      // A replay takes an idempotency key, and none was given.
      if (result.kind === "replay") throw new Error("A document without a key was taken for a repeated one");
      return result.accepted;
    },
    watch: (id, signal) => watch({ hub, installation }, id, signal),
    read: async (id) => ({
      document: await documents.get(localAccess, id),
      analysis: await documents.analysis(localAccess, id),
    }),
    cancel: async (id) => {
      try {
        await documents.cancel(localAccess, id);
      } catch (error) {
        if (errorCode(error) !== "already_finished") throw error;
      }
    },
    close: () => lifecycle.stop(stopDeadlineMs),
  };
}

async function store({ files }: Installation, source: Source, maxBytes: number): Promise<NewContent> {
  if (source.kind === "text") return { kind: "text", text: source.text };
  const stream = source.kind === "file" ? createReadStream(source.path) : chunksOf(source.bytes);
  const file = await files.write(stream, { maxBytes });
  try {
    const fileName = displayFileName(source.fileName);
    const { type: fileType } = await detectFileType({ head: file.head, fileName, size: file.size });
    return { kind: "file", fileKey: file.key, fileName, fileType, size: file.size, sha256: file.sha256 };
  } catch (error) {
    await files.remove(file.key);
    throw error;
  }
}

async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function* watch(
  { hub, installation }: { readonly hub: LiveHub; readonly installation: Installation },
  id: string,
  signal: AbortSignal,
): AsyncGenerator<DocumentUpdate, void, undefined> {
  let since = 0;
  for (;;) {
    let hasExpired = false;
    for await (const step of hub.follow({ stream: `document:${id}`, since, signal })) {
      if (step.kind === "reset") {
        hasExpired = true;
        break;
      }
      for (const event of step.events) {
        since = event.seq;
        yield { type: event.type, data: event.data };
        if (endsProcessing(event.type)) return;
      }
    }
    signal.throwIfAborted();
    // The hub stops only when this processor is closed.
    if (!hasExpired) return;
    const current = await installation.documents.snapshot(localAccess, id);
    if (current === undefined || isSettled(current.snapshot.document.status)) return;
    since = current.seq;
  }
}
