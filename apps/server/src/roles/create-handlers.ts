import path from "node:path";
import type { Database } from "@millrace/database";
import { createFileStore, handleProcessDocument } from "@millrace/documents";
import type { FileStore } from "@millrace/documents";
import { createExtractor } from "@millrace/extract";
import type { Extractor } from "@millrace/extract";
import type { Logger } from "@millrace/kernel";
import { createModels } from "@millrace/models";
import type { Models, OwnModels } from "@millrace/models";
import type { AnyTaskHandler, NewEvent, WriteScope } from "@millrace/queue";
import type { Settings } from "../settings.ts";
import { createUpkeepHandlers } from "../upkeep/upkeep-handlers.ts";

export type HandlerParts = {
  readonly files: FileStore;
  readonly extractor: Extractor;
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
  readonly ownModels: OwnModels | undefined;
}): HandlerParts {
  const { settings, logger, database, appendEvents, ownModels } = parts;
  const folder = path.resolve(settings.DATA_DIR);
  const files = createFileStore({ directory: folder });
  const extractor = createExtractor({ logger, tempDirectory: path.join(folder, "tmp") });
  const models = createModels({ settings, logger, own: ownModels });
  return {
    files,
    extractor,
    models,
    handlers: [
      handleProcessDocument({ database: database.background, files, extractor, models, appendEvents }),
      ...createUpkeepHandlers({ database, files, folder }),
    ],
  };
}
