import { access } from "node:fs/promises";
import type { Database } from "@millrace/database";
import { documentChecks, findDocumentProblems, knownFileKeys, pruneAnswers } from "@millrace/documents";
import type { FileStore } from "@millrace/documents";
import {
  findJobs,
  findQueueProblems,
  handleTask,
  oldestSnapshotSeconds,
  pruneFailedJobs,
  pruneOldLogs,
  queueChecks,
  vacuumEmbedded,
} from "@millrace/queue";
import type { AnyTaskHandler } from "@millrace/queue";
import { measureTables } from "./measure-tables.ts";
import { ownsFiles } from "./owned-files.ts";
import { checkIntegrity, cleanFailedJobs, cleanJobLogs, removeOrphans, tendDatabase } from "./tasks.ts";

export type UpkeepParts = {
  readonly database: Database;
  readonly files: FileStore;
  /** Where the files are. */
  readonly folder: string;
};

/** A file whose row was never committed is removed after this long. */
const orphanAgeMs = 3_600_000;

/** What the product does for itself, as tasks like any other. Each may run twice, or be stopped in its midst. */
export function createUpkeepHandlers(parts: UpkeepParts): readonly AnyTaskHandler[] {
  const { background } = parts.database;
  return [
    handleTask({
      task: cleanFailedJobs,
      run: async ({ input: { older_than_days: olderThanDays }, signal }) => ({
        deleted: await pruneFailedJobs(background, { olderThanDays, signal }),
      }),
    }),
    handleTask({
      task: cleanJobLogs,
      run: async ({ input: { older_than_days: olderThanDays }, signal }) => ({
        deleted: await pruneOldLogs(background, { olderThanDays, signal }),
      }),
    }),
    handleTask({ task: removeOrphans, run: () => removeOrphaned(parts) }),
    handleTask({
      task: tendDatabase,
      run: async ({ signal }) => {
        const vacuumed = await vacuumEmbedded(parts.database, signal);
        const seconds = await oldestSnapshotSeconds(parts.database);
        const measured = await measureTables(background.queryable);
        return { ...measured, oldest_snapshot_seconds: seconds, vacuumed_tables: vacuumed };
      },
    }),
    handleTask({
      task: checkIntegrity,
      run: async ({ signal, log, logger }) => {
        const problems = await findProblems(parts, signal);
        for (const { check, count, examples } of problems) {
          log("warning", `${check}: ${count}, such as ${examples.join(", ")}`);
          logger.warn({ check, count, examples }, "what is stored does not agree with itself");
        }
        return { checks: queueChecks + documentChecks, problems };
      },
    }),
  ];
}

async function removeOrphaned({ database, files, folder }: UpkeepParts) {
  const { queryable } = database.background;
  const answers = await pruneAnswers(queryable);
  const isOwner = await ownsFiles(database.background, folder);
  const removed = isOwner
    ? await files.removeOrphans((keys) => knownFileKeys(queryable, keys), orphanAgeMs)
    : 0;
  return { files: removed, answers, owns_files: isOwner };
}

async function findProblems({ database, files }: UpkeepParts, signal: AbortSignal) {
  const { queryable } = database.background;
  return [
    ...(await findQueueProblems(queryable, signal)),
    ...(await findDocumentProblems(queryable, {
      signal,
      hasFile: (key) =>
        access(files.pathOf(key)).then(
          () => true,
          () => false,
        ),
      findPendingJobs: async (ids) =>
        new Set(
          (await findJobs(queryable, ids)).filter((job) => job.finished_at === null).map((job) => job.id),
        ),
    })),
  ];
}
