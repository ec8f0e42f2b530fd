/** The process of its own that a job gets after its worker died. Started by the worker, never by hand. */
import { createLogger, Lifecycle } from "@millrace/kernel";
import { appendEvents, serveJobs } from "@millrace/queue";
import { loadProgram } from "../config/load-program.ts";
import { createProgramHandlers } from "../config/program-handlers.ts";
import { readSettings } from "../settings.ts";
import { createHandlers } from "./create-handlers.ts";
import { openCache } from "./open-cache.ts";

const settings = readSettings(process.env);
const logger = createLogger({ level: settings.LOG_LEVEL, name: "millrace job" });
// A signal to the whole group (Ctrl-C) is the worker's to act on: it tells us what to do.
process.on("SIGINT", () => undefined);
process.on("SIGTERM", () => undefined);

await serveJobs({
  parent: process,
  kind: settings.DATABASE_URL === undefined ? "embedded" : "postgres",
  logger,
  ...(settings.TASK_OVERRIDES === undefined ? {} : { overrides: settings.TASK_OVERRIDES }),
  open: async (database, bus) => {
    const lifecycle = new Lifecycle(logger);
    const program = await loadProgram(process.cwd());
    const { extractor, models, handlers } = createHandlers({
      settings,
      logger,
      database,
      appendEvents: (scope, events) => appendEvents(scope, bus, events),
      ownModels: program.config.models,
    });
    const { cache } = await openCache({ settings, database, logger, lifecycle });
    const programHandlers = await createProgramHandlers(program, handlers, {
      database: database.background,
      cache,
      logger,
      settings,
      models,
    });
    await lifecycle.start(extractor);
    await lifecycle.start(models);
    return { handlers: [...handlers, ...programHandlers], cache, close: () => lifecycle.stop(5_000) };
  },
});
