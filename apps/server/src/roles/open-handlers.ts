import type { StoredCache } from "@millrace/cache";
import type { LoadedCrews } from "@millrace/crews";
import type { Database } from "@millrace/database";
import type { Logger } from "@millrace/kernel";
import type { NewEvent, Queue, WriteScope } from "@millrace/queue";
import type { Usage } from "@millrace/usage";
import { keyOf } from "../config/find-tasks.ts";
import type { Program } from "../config/load-program.ts";
import { createProgramHandlers } from "../config/program-handlers.ts";
import { openCrews } from "../crews/open-crews.ts";
import type { Settings } from "../settings.ts";
import { createHandlers } from "./create-handlers.ts";
import type { HandlerParts } from "./create-handlers.ts";

type OpenHandlers = HandlerParts & {
  /** `name@version` of the tasks that came with the program. */
  readonly programTasks: ReadonlySet<string>;
  readonly crews: LoadedCrews;
};

/**
 * The handlers of the product and of the program in the working folder, with its crews: the same in a worker and in
 * a job's own process. Nothing of it is started.
 */
export async function openHandlers(parts: {
  readonly settings: Settings;
  readonly logger: Logger;
  readonly database: Database;
  readonly cache: StoredCache;
  readonly usage: Usage;
  readonly program: Program;
  readonly appendEvents: (scope: WriteScope, events: readonly NewEvent[]) => Promise<void>;
  /** Asked for when a job runs: the queue is made of the handlers. */
  readonly queue: () => Queue;
}): Promise<OpenHandlers> {
  const { settings, logger, database, cache, usage, program } = parts;
  const own = createHandlers({ ...parts, ownModels: program.config.models, ports: usage.ports });
  const { crews, handler } = await openCrews({ ...parts, ...own });
  const ofProduct = [...own.handlers, handler];
  const { models } = own;
  const ofProgram = await createProgramHandlers(program, ofProduct, {
    database: database.background,
    cache,
    logger,
    settings,
    models,
  });
  const programTasks = new Set(ofProgram.map(({ task }) => keyOf(task)));
  return { ...own, handlers: [...ofProduct, ...ofProgram], programTasks, crews };
}
