import { defineTask } from "@millrace/queue";
import { z } from "zod";

/** Behind everybody's work, in a queue that people may pause. */
const upkeep = { queue: "low_priority", priority: 1 } as const;

const days = z.number().positive().max(36_500);

export const cleanFailedJobs = defineTask({
  ...upkeep,
  name: "upkeep.clean_failed_jobs",
  description:
    "Deletes failed jobs whose time has passed, and with `older_than_days` those that failed longer ago.",
  input: z.strictObject({ older_than_days: days.nullable().default(null) }),
  output: z.object({ deleted: z.int() }),
});

export const cleanJobLogs = defineTask({
  ...upkeep,
  name: "upkeep.clean_job_logs",
  description: "Deletes the lines that jobs logged so long ago.",
  input: z.strictObject({ older_than_days: days }),
  output: z.object({ deleted: z.int() }),
});

export const cleanUsage = defineTask({
  ...upkeep,
  name: "upkeep.clean_usage",
  description: "Deletes listed model calls and charges that are as old, and what limits no longer need.",
  input: z.strictObject({ older_than_days: days }),
  output: z.object({ deleted: z.int() }),
});

export const cleanCrewRuns = defineTask({
  ...upkeep,
  name: "upkeep.clean_crew_runs",
  description: "Deletes runs of crews that ended so long ago, with their outputs and files.",
  input: z.strictObject({ older_than_days: days }),
  output: z.object({ deleted: z.int() }),
});

export const purgeTrash = defineTask({
  ...upkeep,
  name: "upkeep.purge_trash",
  description: "Deletes documents for good, with their files, whose time in the trash is over.",
  input: z.strictObject({}),
  output: z.object({ deleted: z.int() }),
});

export const removeOrphans = defineTask({
  ...upkeep,
  name: "upkeep.remove_orphans",
  description:
    "Deletes files and unfinished uploads that no document knows, and answers kept for repeated requests.",
  input: z.strictObject({}),
  output: z.object({
    files: z.int(),
    answers: z.int(),
    /** False: the folder's files belong to another database, and were kept. */
    owns_files: z.boolean(),
  }),
});

export const tendDatabase = defineTask({
  ...upkeep,
  name: "upkeep.tend_database",
  description: "How large the tables are, and how much in them is dead; embedded, frees that too.",
  input: z.strictObject({}),
  output: z.object({
    bytes: z.number(),
    oldest_snapshot_seconds: z.number(),
    vacuumed_tables: z.int(),
    tables: z.array(
      z.object({ name: z.string(), bytes: z.number(), rows: z.number(), dead_rows: z.number() }),
    ),
  }),
});

export const tendSearchIndexes = defineTask({
  ...upkeep,
  name: "upkeep.tend_search_indexes",
  description:
    "Makes the approximate index of vectors where it is of use, and makes it anew where it is broken.",
  input: z.strictObject({}),
  output: z.object({
    spaces: z.array(z.object({ model: z.string(), outcome: z.string(), reason: z.string().nullable() })),
  }),
  // A million vectors take about an hour to index.
  softLimitMs: 3 * 3_600_000,
  hardLimitMs: 4 * 3_600_000,
});

export const checkIntegrity = defineTask({
  ...upkeep,
  name: "upkeep.check_integrity",
  description: "Looks whether what is stored agrees with itself.",
  input: z.strictObject({}),
  output: z.object({
    checks: z.int(),
    problems: z.array(z.object({ check: z.string(), count: z.int(), examples: z.array(z.string()) })),
  }),
});
