import { hostname } from "node:os";
import path from "node:path";
import {
  assertProgramMigrated,
  assertSchemaMatches,
  lockFolder,
  migrate,
  migrateProgram,
  openEmbedded,
  openPostgres,
} from "@millrace/database";
import type { Database, FolderLock } from "@millrace/database";
import { Documents } from "@millrace/documents";
import type { FileStore } from "@millrace/documents";
import type { Lifecycle, Logger, Service } from "@millrace/kernel";
import type { Models } from "@millrace/models";
import { createPostgresBroker, Queue } from "@millrace/queue";
import type { PostgresBroker, QueueWorker } from "@millrace/queue";
import { keyOf } from "../config/find-tasks.ts";
import { noProgram } from "../config/load-program.ts";
import type { Program } from "../config/load-program.ts";
import { listenToHooks } from "../config/program-hooks.ts";
import { createProgramHandlers } from "../config/program-handlers.ts";
import { declareProgramSchedules } from "../config/program-schedules.ts";
import type { Settings } from "../settings.ts";
import { warnOfForeignFiles } from "../upkeep/owned-files.ts";
import { upkeepSchedules } from "../upkeep/upkeep-schedules.ts";
import { readVersion } from "../version.ts";
import { createHandlers } from "./create-handlers.ts";

/** Everything below the edges: what the server and the command line both stand on. */
export type Installation = {
  readonly database: Database;
  readonly queue: Queue;
  readonly files: FileStore;
  readonly models: Models;
  readonly documents: Documents;
  readonly worker: QueueWorker;
  /** `name@version` of the tasks that came with the program in the working folder. */
  readonly programTasks: ReadonlySet<string>;
  /** Hints between processes; undefined in embedded mode, where there is only this one. */
  readonly broker: PostgresBroker | undefined;
  /** Only in embedded mode: the proof that no other process is on the folder. */
  readonly lock: FolderLock | undefined;
};

/**
 * Opens database, files and models and starts the worker, each registered with the lifecycle. In
 * embedded mode it locks the folder, migrates, and takes back what a killed process left running.
 */
export async function openInstallation(parts: {
  readonly settings: Settings;
  readonly logger: Logger;
  readonly lifecycle: Lifecycle;
  /** What people added in their working folder. Default nothing. */
  readonly program?: Program;
}): Promise<Installation> {
  const { settings, logger, lifecycle, program = noProgram } = parts;
  const folder = path.resolve(settings.DATA_DIR);
  const { database, lock } = await openDatabase(settings, folder, logger, lifecycle);
  const { files, extractor, models, handlers } = createHandlers({
    settings,
    logger,
    database,
    appendEvents: (scope, events) => queue.appendEvents(scope, events),
    ownModels: program.config.models,
  });
  if (program.migrations !== undefined) {
    // Only embedded may a start change the schema: nobody else is there.
    await (lock === undefined ? assertProgramMigrated : migrateProgram)(database, program.migrations);
  }
  const programHandlers = await createProgramHandlers(program, handlers, {
    database: database.background,
    logger,
    settings,
    models,
  });
  const broker = await openBroker(settings, database, logger, lifecycle);
  const queue: Queue = new Queue({
    database,
    logger,
    handlers: [...handlers, ...programHandlers],
    ...(broker === undefined ? {} : { broker }),
    ...(settings.TASK_OVERRIDES === undefined ? {} : { overrides: settings.TASK_OVERRIDES }),
  });
  listenToHooks(queue, program);
  await declareProgramSchedules(queue, program);
  if (lock !== undefined) await queue.takeBackAll();
  for (const service of [files, extractor, models]) await lifecycle.start(service);
  await warnOfForeignFiles({ database, folder, logger });
  await queue.schedules.declare(upkeepSchedules(settings), { source: "product", by: "Millrace" });
  const worker = queue.createWorker(workerOptions(settings, database));
  await lifecycle.start(worker);
  const documents = new Documents({ queue, files });
  const programTasks = new Set(programHandlers.map(({ task }) => keyOf(task)));
  return { database, queue, files, models, documents, worker, programTasks, broker, lock };
}

async function openDatabase(
  settings: Settings,
  folder: string,
  logger: Logger,
  lifecycle: Lifecycle,
): Promise<{ database: Database; lock: FolderLock | undefined }> {
  if (settings.DATABASE_URL !== undefined) {
    const database = openPostgres({
      url: settings.DATABASE_URL,
      poolSize: settings.DATABASE_POOL_SIZE,
      logger,
    });
    await lifecycle.start(closing("database", () => database.close()));
    await assertSchemaMatches(database);
    return { database, lock: undefined };
  }
  const lock = lockFolder(folder);
  await lifecycle.start(closing("folder lock", async () => lock.release()));
  const database = await openEmbedded(folder);
  await lifecycle.start(closing("database", () => database.close()));
  await migrate(database);
  return { database, lock };
}

/** Between processes; undefined in embedded mode, where there is only this one. */
async function openBroker(
  settings: Settings,
  database: Database,
  logger: Logger,
  lifecycle: Lifecycle,
): Promise<PostgresBroker | undefined> {
  if (settings.DATABASE_URL === undefined) return undefined;
  const listenUrl = settings.DATABASE_DIRECT_URL ?? settings.DATABASE_URL;
  const broker = createPostgresBroker({ database, listenUrl, logger });
  await lifecycle.start(broker);
  return broker;
}

/** Something that is open already and only needs its end registered. */
function closing(name: string, close: () => Promise<void>): Service {
  return { name, start: async () => undefined, stop: close };
}

function workerOptions(settings: Settings, database: Database) {
  // Embedded, the folder lock already proves that a former process is dead.
  const leaseMs = database.kind === "embedded" ? 20_000 : settings.WORKER_LEASE_SECONDS * 1000;
  return {
    name: settings.WORKER_NAME ?? `worker@${hostname()}`,
    version: readVersion(),
    concurrency: settings.WORKER_CONCURRENCY,
    ...(settings.WORKER_QUEUES === undefined ? {} : { queues: settings.WORKER_QUEUES.split(",") }),
    leaseMs,
    beatMs: leaseMs / 4,
    pollMs: 2_000,
    // Steps are recorded: what is handed back goes on where it was. Longer only keeps people waiting.
    drainMs: 3_000,
    isolationEntry: new URL("./job-child.ts", import.meta.url),
    ...(settings.DATABASE_URL === undefined
      ? {}
      : { heartbeatUrl: settings.DATABASE_DIRECT_URL ?? settings.DATABASE_URL }),
  };
}
