import { schedule } from "@millrace/queue";
import type { NewSchedule } from "@millrace/queue";
import type { UpkeepSettings } from "./settings.ts";
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

/** A year, and a month to compare it with. */
const usageDays = 400;

/** One at a time, and many installations on one machine not all at once. */
const gently = { overlap: "skip", jitter: "5m" } as const;

/** The product's own schedules: seen, paused and edited like any other. */
export function upkeepSchedules(settings: UpkeepSettings): readonly NewSchedule[] {
  return [
    schedule({
      ...gently,
      name: "Clean up failed jobs",
      description: cleanFailedJobs.description ?? null,
      task: cleanFailedJobs,
      input: { older_than_days: settings.FAILED_JOB_DAYS ?? null },
      cron: "10 * * * *",
    }),
    schedule({
      ...gently,
      name: "Clean up job logs",
      description: cleanJobLogs.description ?? null,
      task: cleanJobLogs,
      input: { older_than_days: settings.JOB_LOG_DAYS },
      cron: "20 3 * * *",
    }),
    schedule({
      ...gently,
      name: "Clean up model calls",
      description: cleanUsage.description ?? null,
      task: cleanUsage,
      input: { older_than_days: usageDays },
      cron: "25 3 * * *",
    }),
    schedule({
      ...gently,
      name: "Clean up runs of crews",
      description: cleanCrewRuns.description ?? null,
      task: cleanCrewRuns,
      input: { older_than_days: settings.CREW_RUN_DAYS },
      cron: "35 3 * * *",
    }),
    schedule({
      ...gently,
      name: "Empty the trash",
      description: purgeTrash.description ?? null,
      task: purgeTrash,
      input: {},
      cron: "15 * * * *",
    }),
    schedule({
      ...gently,
      name: "Remove orphaned files",
      description: removeOrphans.description ?? null,
      task: removeOrphans,
      input: {},
      cron: "40 * * * *",
    }),
    schedule({
      ...gently,
      name: "Tend the database",
      description: tendDatabase.description ?? null,
      task: tendDatabase,
      input: {},
      cron: "30 3 * * *",
    }),
    schedule({
      ...gently,
      name: "Tend search indexes",
      description: tendSearchIndexes.description ?? null,
      task: tendSearchIndexes,
      input: {},
      cron: "*/15 * * * *",
    }),
    schedule({
      ...gently,
      name: "Check integrity",
      description: checkIntegrity.description ?? null,
      task: checkIntegrity,
      input: {},
      cron: "50 3 * * *",
    }),
  ];
}
