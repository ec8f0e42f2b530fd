import type { Queryable } from "@millrace/database";
import { sql } from "kysely";

/** Something that must never be, and is. */
export type DocumentProblem = {
  readonly check: string;
  readonly count: number;
  /** The ids of some documents. */
  readonly examples: readonly string[];
};

export type ProblemParts = {
  readonly signal: AbortSignal;
  /** Whether the store has the file. */
  readonly hasFile: (key: string) => Promise<boolean>;
  /** Of these jobs, those that have not ended. */
  readonly findPendingJobs: (ids: readonly string[]) => Promise<ReadonlySet<string>>;
};

type Row = {
  readonly id: string;
  readonly file_key: string | null;
  readonly job_id: string | null;
  readonly is_open: boolean;
};

const batch = 500;
const maxExamples = 5;

/** How many things `findDocumentProblems` looks at. */
export const documentChecks = 2;

/**
 * Looks whether the file of every document is there, and whether somebody is at work on each that is not done.
 * Reads all documents that have rested for an hour, in batches: for now and then.
 */
export async function findDocumentProblems(
  queryable: Queryable,
  { signal, hasFile, findPendingJobs }: ProblemParts,
): Promise<DocumentProblem[]> {
  const withoutFile: string[] = [];
  const withoutJob: string[] = [];
  for await (const rows of readResting(queryable)) {
    signal.throwIfAborted();
    for (const { id, file_key: key } of rows) {
      if (key !== null && !(await hasFile(key))) withoutFile.push(id);
    }
    const open = rows.filter((row) => row.is_open);
    const pending = await findPendingJobs(open.flatMap((row) => row.job_id ?? []));
    withoutJob.push(
      ...open.filter((row) => row.job_id === null || !pending.has(row.job_id)).map((row) => row.id),
    );
  }
  return [
    ...problem("the file of a document is missing", withoutFile),
    ...problem("a document waits for a job that is not there or has ended", withoutJob),
  ];
}

/** What changes right now is left alone: its rows and its file need not agree yet. */
async function* readResting(queryable: Queryable): AsyncGenerator<readonly Row[]> {
  let last = "00000000-0000-0000-0000-000000000000";
  for (;;) {
    const { rows } = await sql<Row>`
      SELECT id, file_key, job_id, status IN ('uploaded', 'processing') AS is_open FROM document
      WHERE id > ${last} AND updated_at < now() - interval '1 hour' ORDER BY id LIMIT ${batch}`.execute(
      queryable,
    );
    if (rows.length > 0) yield rows;
    if (rows.length < batch) return;
    last = rows.at(-1)?.id ?? last;
  }
}

function problem(check: string, ids: readonly string[]): DocumentProblem[] {
  return ids.length === 0 ? [] : [{ check, count: ids.length, examples: ids.slice(0, maxExamples) }];
}
