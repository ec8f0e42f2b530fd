import { pruneCrewRuns } from "@millrace/crews";
import { pruneAnswers } from "@millrace/database";
import type { Database } from "@millrace/database";
import {
  documentChecks,
  findDocumentProblems,
  knownFileKeys,
  purgeTrash as purgeDocuments,
} from "@millrace/documents";
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
import { dropRetiredSpaces, keepVectorIndexes, spacesToFill } from "@millrace/search";
import { findQuestionProblems, questionChecks } from "@millrace/ask";
import { findSummaryProblems, summaryChecks } from "@millrace/summaries";
import { pruneUsage } from "@millrace/usage";
import { embedSpace } from "../search/embed-space.ts";
import { measureTables } from "./measure-tables.ts";
import { ownsFiles } from "./owned-files.ts";
import {
  checkIntegrity,
  cleanCrewRuns,
  cleanFailedJobs,
  cleanJobLogs,
  cleanUsage,
  purgeTrash,
  removeOrphans,
  tendDatabase,
  tendSearchIndexes,
} from "./tasks.ts";

export type UpkeepParts = {
  readonly database: Database;
  readonly files: FileStore;
  /** Where the files are. */
  readonly folder: string;
};

/**
 * A file whose row was never committed is removed after this long. Longer than an upload takes: of several files, the
 * first waits for the last before its row is written.
 */
const orphanAgeMs = 24 * 3_600_000;

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
    handleTask({
      task: cleanUsage,
      run: async ({ input: { older_than_days: olderThanDays }, signal }) => ({
        deleted: await pruneUsage(background, { olderThanDays, signal }),
      }),
    }),
    handleTask({
      task: cleanCrewRuns,
      run: async ({ input: { older_than_days: olderThanDays }, signal }) => ({
        deleted: await pruneCrewRuns(background, { olderThanDays, signal }),
      }),
    }),
    handleTask({
      task: purgeTrash,
      run: async ({ signal }) => ({
        deleted: await purgeDocuments(background, { files: parts.files, signal }),
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
      task: tendSearchIndexes,
      run: async ({ signal, log, logger, enqueueChild }) => {
        const spaces = await keepVectorIndexes(parts.database, signal);
        const dropped = await dropRetiredSpaces(background, signal);
        for (const { model, vectors } of dropped) log("info", `Dropped ${vectors} vectors of ${model}`);
        for (const { id } of await spacesToFill(background.queryable, signal))
          await enqueueChild(`fill/${id}`, embedSpace, { space_id: id });
        for (const { model, outcome, reason } of spaces) {
          if (outcome !== "failed") continue;
          log("warning", `The index of ${model} can't be made: ${reason}`);
          logger.warn(
            { model, reason },
            "the approximate index of vectors can't be made; search compares them all",
          );
        }
        return { spaces };
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
        return { checks: queueChecks + documentChecks + summaryChecks + questionChecks, problems };
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
  const findPendingJobs = async (ids: readonly string[]) => {
    const jobs = await findJobs(queryable, ids);
    return new Set(jobs.filter((job) => job.finished_at === null).map((job) => job.id));
  };
  return [
    ...(await findQueueProblems(queryable, signal)),
    ...(await findDocumentProblems(queryable, {
      signal,
      hasFile: files.has,
      findPendingJobs,
    })),
    ...(await findSummaryProblems(queryable, { signal, findPendingJobs })),
    ...(await findQuestionProblems(queryable, { signal, findPendingJobs })),
  ];
}
