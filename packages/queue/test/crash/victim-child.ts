/** The process of its own that a job of a victim gets. */
import { silentLogger } from "@millrace/kernel";
import { appendEvents, serveJobs } from "../../src/index.ts";
import { Outside } from "./outside.ts";
import { victimSettings } from "./victim-settings.ts";
import { createHandlers } from "./victim-tasks.ts";

const settings = victimSettings(process.env);
const outside = new Outside(settings.CRASH_RECEIVER, settings.CRASH_LAUNCH);

await serveJobs({
  parent: process,
  kind: settings.CRASH_FOLDER === undefined ? "postgres" : "embedded",
  logger: silentLogger,
  open: async (database, bus) => ({
    handlers: createHandlers({
      database,
      outside,
      appendEvents: (scope, events) => appendEvents(scope, bus, events),
      isChild: true,
    }),
    close: async () => undefined,
  }),
});
