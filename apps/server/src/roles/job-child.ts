/** The process of its own that a job gets after its worker died. Started by the worker, never by hand. */
import { createLogger, Lifecycle } from "@millrace/kernel";
import { appendEvents, Queue, serveJobs } from "@millrace/queue";
import { createUsage } from "@millrace/usage";
import { loadProgram } from "../config/load-program.ts";
import { readSettings } from "../settings.ts";
import { openHandlers } from "./open-handlers.ts";
import { openCache, readRedisPrefix } from "./open-cache.ts";

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
    const prefix = await readRedisPrefix(database);
    const { cache, redis } = await openCache({ settings, database, prefix, logger, lifecycle });
    const usage = createUsage({ database, cache, settings, logger, shared: redis && { redis, prefix } });
    await lifecycle.start(usage);
    // What it enqueues and cancels is heard of at the next look of those who run it.
    const queue: { made?: Queue } = {};
    const { extractor, recogniser, models, handlers } = await openHandlers({
      ...{ settings, logger, database, cache, usage, program },
      appendEvents: (scope, events) => appendEvents(scope, bus, events),
      queue: () => (queue.made ??= new Queue({ database, logger, handlers })),
    });
    await lifecycle.start(extractor);
    await lifecycle.start(recogniser);
    await lifecycle.start(models);
    return { handlers, cache, close: () => lifecycle.stop(5_000) };
  },
});
