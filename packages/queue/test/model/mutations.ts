import { readdir, readFile } from "node:fs/promises";

/**
 * One guard taken out of the queue. `text` is what is left out or replaced, wherever it stands in the file
 * or the function.
 */
export type Mutation = {
  /** What the queue no longer does. */
  readonly name: string;
  readonly text: string;
  readonly replacement: string;
  /** One of the few that every run of the tests tries; the others are for the night. */
  readonly isSample?: true;
} & (
  | {
      /** A source file, from the folder `packages/queue/src`. */
      readonly file: string;
    }
  | {
      /** A function of the database, from the migrations. */
      readonly sqlFunction: string;
    }
);

export const mutations: readonly Mutation[] = [
  {
    name: "asks for the fence when an attempt ends",
    file: "jobs/lock-job.ts",
    text: "WHERE job.id = ${held.id} AND job.fence = ${held.fence} AND job.state = 'running'",
    replacement: "WHERE job.id = ${held.id} AND job.state = 'running'",
    isSample: true,
  },
  {
    name: "asks for the fence when successes are written together",
    sqlFunction: "succeed_jobs_briefly",
    text: "AND job.fence = given.fence",
    replacement: "",
    isSample: true,
  },
  {
    name: "looks again before it takes a job back",
    file: "jobs/reap.ts",
    text: "sql`job.state = 'running' AND job.fence = ${seen.fence} AND ${condition}`",
    replacement: "sql`true`",
    isSample: true,
  },
  {
    name: "moves what has become due to its queue",
    file: "jobs/promote.ts",
    text: "AND run_at <= now()",
    replacement: "AND false",
    isSample: true,
  },
  {
    name: "asks for the fence when a worker beats",
    sqlFunction: "beat_jobs",
    text: "AND job.fence = given.fence",
    replacement: "",
  },
  {
    name: "makes the fence grow with a claim",
    sqlFunction: "claim_jobs_onward",
    text: "fence = job.fence + 1",
    replacement: "fence = job.fence",
  },
  {
    name: "makes the fence grow when a job goes back",
    file: "jobs/requeue.ts",
    text: "fence = fence + 1",
    replacement: "fence = fence",
  },
  {
    name: "forgets the expiry of a job that has begun",
    file: "jobs/requeue.ts",
    text: "CASE WHEN NOT ${isBegun} THEN expires_at END",
    replacement: "expires_at",
  },
  {
    name: "leaves an attempt uncounted that ends with a question",
    file: "waiting/begin-wait.ts",
    text: "attempt = attempt - 1, ",
    replacement: "",
  },
  {
    name: "forgets the question that a job no longer asks",
    file: "waiting/begin-wait.ts",
    text: "key <> ${key} AND answered_at IS NULL",
    replacement: "false",
  },
  {
    name: "refuses an answer when its time is over",
    file: "waiting/answer-job.ts",
    text: "if (asked.is_late)",
    replacement: "if (false)",
  },
  {
    name: "forgets the expiry of a job that has its answer",
    file: "waiting/answer-job.ts",
    text: ", expires_at = NULL",
    replacement: "",
  },
  {
    name: "keeps a cancel before a success",
    sqlFunction: "succeed_jobs_briefly",
    text: "AND job.cancel_requested_at IS NULL",
    replacement: "",
  },
  {
    name: "looks again before it expires a job",
    file: "jobs/promote.ts",
    text: "lockFreeJob(scope.transaction, id, isLate)",
    replacement: "lockFreeJob(scope.transaction, id, sql`true`)",
  },
  {
    name: "looks again before it purges a job",
    file: "control/purge.ts",
    text: "AND job.state IN ('queued', 'scheduled')`",
    replacement: "`",
  },
  {
    name: "claims nothing of a paused queue",
    sqlFunction: "claim_jobs_onward",
    text: "IF NOT queue_is_open(wanted_queue) THEN RETURN; END IF;",
    replacement: "",
  },
  {
    name: "counts what runs under a limit",
    file: "limits/admit.ts",
    text: "slots ?? Infinity",
    replacement: "Infinity",
  },
  {
    name: "lets owners take turns",
    sqlFunction: "claim_jobs_onward",
    text: "ORDER BY priority DESC, fair, run_at, id",
    replacement: "ORDER BY priority DESC, run_at, id",
  },
];

/** Throws when the text is not there: a mutation that changes nothing would prove nothing. */
export function mutate(mutation: Mutation, source: string): string {
  if (!source.includes(mutation.text)) {
    throw new Error(
      `There is no ${mutation.text} any more. Tell the mutation "${mutation.name}" what to leave out.`,
    );
  }
  return source.replaceAll(mutation.text, () => mutation.replacement);
}

const databasePackage = import.meta.resolve("@millrace/database");
const folder = new URL("../migrations/", databasePackage);

/** The statement that defines a function of the database, as the last migration that has it left it. */
export async function readSqlFunction(name: string): Promise<string> {
  const files = (await readdir(folder)).filter((file) => file.endsWith(".sql")).toSorted();
  const texts = await Promise.all(files.map((file) => readFile(new URL(file, folder), "utf8")));
  const definition = new RegExp(`CREATE (?:OR REPLACE )?FUNCTION (${name}\\([\\s\\S]*?\\nEND \\$\\$;)`, "g");
  const found = [...texts.join("\n").matchAll(definition)].at(-1)?.[1];
  if (found === undefined) throw new Error(`The migrations have no function ${name}.`);
  return `CREATE OR REPLACE FUNCTION ${found}`;
}
