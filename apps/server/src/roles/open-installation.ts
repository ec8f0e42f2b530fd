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
import { Questions } from "@millrace/ask";
import type { RedisConnection, StoredCache } from "@millrace/cache";
import { CrewRuns } from "@millrace/crews";
import type { LoadedCrews } from "@millrace/crews";
import type { Database, FolderLock } from "@millrace/database";
import { Collections, Documents } from "@millrace/documents";
import type { FileStore } from "@millrace/documents";
import type { Extractor, Recogniser } from "@millrace/extract";
import type { Lifecycle, Logger, Service } from "@millrace/kernel";
import type { Models } from "@millrace/models";
import { Queue } from "@millrace/queue";
import type { Broker, EventExchange } from "@millrace/queue";
import { Summaries } from "@millrace/summaries";
import { createUsage } from "@millrace/usage";
import type { Usage } from "@millrace/usage";
import type { Program } from "../config/load-program.ts";
import { listenToHooks } from "../config/program-hooks.ts";
import { declareProgramSchedules } from "../config/program-schedules.ts";
import type { Settings } from "../settings.ts";
import { warnOfForeignFiles } from "../upkeep/owned-files.ts";
import { upkeepSchedules } from "../upkeep/upkeep-schedules.ts";
import { askLibrary } from "../search/ask-library.ts";
import { openHandlers } from "./open-handlers.ts";
import { openCache, openMirrorStore, readRedisPrefix } from "./open-cache.ts";
import { assertBrokerFits, startBroker } from "./start-broker.ts";
import { startExchange } from "./start-exchange.ts";

/** Everything below the edges: what each role, and the command line, stands on. */
export type Installation = {
  readonly database: Database;
  readonly queue: Queue;
  readonly files: FileStore;
  /** Started by those who run jobs: no other process calls a model or reads a document. */
  readonly models: Models;
  /** What model calls cost, and how fast they may come. */
  readonly usage: Usage;
  readonly extractor: Extractor;
  readonly recogniser: Recogniser;
  readonly documents: Documents;
  readonly collections: Collections;
  readonly summaries: Summaries;
  readonly questions: Questions;
  /** Those of the working folder, and those of it that can't be used. */
  readonly crews: LoadedCrews;
  readonly crewRuns: CrewRuns;
  /** `name@version` of the tasks that came with the program in the working folder. */
  readonly programTasks: ReadonlySet<string>;
  /** Hints that there is work, between processes or within this one. */
  readonly broker: Broker;
  /** What other processes are told of at once, and tell; undefined in embedded mode, where there is only this one. */
  readonly exchange: EventExchange | undefined;
  /** Only in embedded mode: the proof that no other process is on the folder. */
  readonly lock: FolderLock | undefined;
  readonly cache: StoredCache;
  /** What `/readyz` asks: one connection for each of its purposes; none without Redis. */
  readonly redis: readonly RedisConnection[];
};

/**
 * Opens database, files, broker and queue, each registered with the lifecycle. In embedded mode it locks the
 * folder, migrates, and takes back what a killed process left running. Nothing serves or runs jobs yet. Every
 * process has all handlers: who ends a job without its handler leaves out what its domain does then.
 */
export async function openInstallation(parts: {
  readonly settings: Settings;
  readonly logger: Logger;
  readonly lifecycle: Lifecycle;
  /** What people added in their working folder. */
  readonly program: Program;
}): Promise<Installation> {
  const { settings, logger, lifecycle, program } = parts;
  assertBrokerFits(settings);
  const folder = path.resolve(settings.DATA_DIR);
  const { database, lock } = await openDatabase(settings, folder, logger, lifecycle);
  if (program.migrations !== undefined) {
    // Only embedded may a start change the schema: nobody else is there.
    await (lock === undefined ? assertProgramMigrated : migrateProgram)(database, program.migrations);
  }
  const prefix = await readRedisPrefix(database);
  const { cache, redis: cacheRedis } = await openCache({ settings, database, prefix, logger, lifecycle });
  const usage = createUsage({
    ...{ database: database.background, cache, settings, logger },
    shared: cacheRedis && { redis: cacheRedis, prefix },
  });
  await lifecycle.start(usage);
  const { files, extractor, recogniser, models, handlers, programTasks, crews } = await openHandlers({
    ...{ settings, logger, database, cache, usage, program },
    appendEvents: (scope, events) => queue.appendEvents(scope, events),
    queue: () => queue,
  });
  const broker = await startBroker({ settings, database, logger, lifecycle });
  const mirror = await openMirrorStore({ settings, prefix, logger, lifecycle });
  const queue: Queue = new Queue({
    database,
    logger,
    handlers,
    broker,
    cache,
    ...(mirror === undefined ? {} : { mirror: mirror.store }),
    ...(settings.TASK_OVERRIDES === undefined ? {} : { overrides: settings.TASK_OVERRIDES }),
  });
  if (queue.mirror !== undefined) await lifecycle.start(queue.mirror);
  const exchange = await startExchange({ settings, database, queue, prefix, logger, lifecycle });
  listenToHooks(queue, program);
  await declareProgramSchedules(queue, program);
  if (lock !== undefined) await queue.takeBackAll();
  await lifecycle.start(files);
  await warnOfForeignFiles({ database, folder, logger });
  await queue.schedules.declare(upkeepSchedules(settings), { source: "product", by: "Millrace" });
  const documents = new Documents({ queue, files, settings });
  return {
    database,
    queue,
    files,
    models,
    usage,
    extractor,
    recogniser,
    documents,
    collections: new Collections(queue),
    summaries: new Summaries(queue),
    questions: new Questions({ queue, findTitles: askLibrary(database).findTitles }),
    crews,
    crewRuns: new CrewRuns({ queue, crews }),
    programTasks,
    broker,
    exchange,
    cache,
    redis: [cacheRedis, mirror?.redis].filter((connection) => connection !== undefined),
    lock,
  };
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

/** Something that is open already and only needs its end registered. */
function closing(name: string, close: () => Promise<void>): Service {
  return { name, start: async () => undefined, stop: close };
}
