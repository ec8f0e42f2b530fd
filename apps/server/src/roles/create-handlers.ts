import path from "node:path";
import { handleAnswerQuestion } from "@millrace/ask";
import type { Database } from "@millrace/database";
import {
  createFileStore,
  handleChangeMany,
  handleProcessDocument,
  handleRecogniseText,
  handleRerunPart,
} from "@millrace/documents";
import type { FileStore } from "@millrace/documents";
import { createExtractor, createRecogniser, createVirusScanner } from "@millrace/extract";
import type { Extractor, Recogniser } from "@millrace/extract";
import type { Logger } from "@millrace/kernel";
import { createModels } from "@millrace/models";
import type { ModelPorts, Models, OwnModels } from "@millrace/models";
import type { AnyTaskHandler, NewEvent, Queue, WriteScope } from "@millrace/queue";
import { handleMakeSummary } from "@millrace/summaries";
import { askLibrary } from "../search/ask-library.ts";
import { handleEmbedQuery } from "../search/embed-query.ts";
import { handleEmbedSpace } from "../search/embed-space.ts";
import type { Settings } from "../settings.ts";
import { createUpkeepHandlers } from "../upkeep/upkeep-handlers.ts";

export type HandlerParts = {
  readonly files: FileStore;
  readonly extractor: Extractor;
  readonly recogniser: Recogniser;
  readonly models: Models;
  /** Every task that this product runs. */
  readonly handlers: readonly AnyTaskHandler[];
};

/** Makes the handlers and what they need, none of it started: for a worker and for a job's own process. */
export function createHandlers(parts: {
  readonly settings: Settings;
  readonly logger: Logger;
  readonly database: Database;
  readonly appendEvents: (scope: WriteScope, events: readonly NewEvent[]) => Promise<void>;
  /** Asked for when a job runs. */
  readonly queue: () => Queue;
  readonly ownModels: OwnModels | undefined;
  /** Where calls of models are listed, limited and stored. */
  readonly ports: ModelPorts;
}): HandlerParts {
  const { settings, logger, database, appendEvents, queue, ownModels, ports } = parts;
  const folder = path.resolve(settings.DATA_DIR);
  const files = createFileStore({ directory: folder });
  const extractor = createExtractor({ logger, tempDirectory: path.join(folder, "tmp") });
  const recogniser = createRecogniser({ logger, settings, tempDirectory: path.join(folder, "tmp") });
  const recognition = { recogniser, maxPages: settings.OCR_MAX_PAGES };
  const limitedModels = [...(settings.MODEL_LIMITS?.keys() ?? [])];
  const models = createModels({ settings, logger, own: ownModels, ports, limitedModels });
  const documents = { database: database.background, files, extractor, models, appendEvents };
  return {
    files,
    extractor,
    recogniser,
    models,
    handlers: [
      handleChangeMany({ database: database.background, files, queue, trashDays: settings.TRASH_DAYS }),
      handleProcessDocument({
        ...documents,
        virusScanner: createVirusScanner({ settings, logger }),
        ...(settings.OCR === "true" ? { recognition } : {}),
      }),
      // Also where it is switched off: jobs of before are brought to their end.
      handleRecogniseText({ ...documents, recognition }),
      handleMakeSummary({
        ...{ database: database.background, models, appendEvents },
        leastSimilarity: settings.SUMMARY_SIMILARITY,
      }),
      handleAnswerQuestion({ database, models, appendEvents, ...askLibrary(database.background) }),
      handleEmbedQuery(models),
      handleEmbedSpace({ database, models }),
      handleRerunPart(documents),
      ...createUpkeepHandlers({ database, files, folder }),
    ],
  };
}
