import { isSummaryOver } from "@millrace/contracts";
import type {
  AcceptedSummary,
  CreateSummary,
  Summary,
  SummaryDetail,
  SummarySnapshot,
} from "@millrace/contracts";
import type { IdempotentRequest } from "@millrace/database";
import { errorCode } from "@millrace/kernel";
import type { Access } from "@millrace/kernel";
import { findJobs, forgetStream, toJob } from "@millrace/queue";
import type { JobRecord, Queue, WriteScope } from "@millrace/queue";
import { sql } from "kysely";
import { acceptSummary } from "./accept-summary.ts";
import type { Accepted } from "./accept-summary.ts";
import { nothingToCancel, summaryNotFound } from "./errors.ts";
import { findSummary, listSummaries, lockSummary, readText } from "./read-summaries.ts";
import type { SummaryFilter } from "./read-summaries.ts";
import { toSummary } from "./summary-row.ts";
import type { SummaryRow } from "./summary-row.ts";

/** How a summary stands, and the number of the last event that is surely part of it. */
export type NumberedSummary = { readonly seq: number; readonly snapshot: SummarySnapshot };

/** What can be done with summaries, on behalf of somebody. Others' summaries are not found. */
export class Summaries {
  readonly #queue: Queue;

  constructor(queue: Queue) {
    this.#queue = queue;
  }

  /** Takes a text in to be summarised; see `acceptSummary`. */
  accept(access: Access, request: CreateSummary, idempotency?: IdempotentRequest): Promise<Accepted> {
    return acceptSummary(this.#queue, access, request, idempotency);
  }

  async list(access: Access, filter: SummaryFilter): Promise<Summary[]> {
    const { queryable } = this.#queue.database;
    const rows = await listSummaries(queryable, access.workspaceId, filter);
    const open = rows.filter((row) => !isSummaryOver(row.state));
    const jobs = await findJobs(
      queryable,
      open.map((row) => row.job_id),
    );
    const byId = new Map(jobs.map((job) => [job.id, job]));
    return rows.map((row) => toSummary(row, byId.get(row.job_id)));
  }

  /** One summary with the text it is made of. */
  async get(access: Access, id: string): Promise<SummaryDetail> {
    const row = await this.#getRow(access, id);
    const text = await readText(this.#queue.database.queryable, id);
    if (text === undefined) throw summaryNotFound(id);
    return { ...toSummary(row, await this.#findJob(row)), text };
  }

  /** The summary with its job. Throws `summary_not_found`, also when the job has been forgotten. */
  async accepted(access: Access, id: string): Promise<AcceptedSummary> {
    const row = await this.#getRow(access, id);
    const job = await this.#findJob(row);
    if (job === undefined) throw summaryNotFound(id);
    return { summary: toSummary(row, job), job: toJob(job) };
  }

  /** Asks for the end of the work; twice is the same as once. Throws `already_finished`. */
  async cancel(access: Access, id: string): Promise<AcceptedSummary> {
    const row = await this.#getRow(access, id);
    if (isSummaryOver(row.state) && row.state !== "cancelled") throw nothingToCancel(id, row.state);
    try {
      await this.#queue.transaction((scope) => this.#queue.cancel(scope, row.job_id));
    } catch (error) {
      // Cancelled so long ago that the job has been forgotten.
      throw errorCode(error) === "job_not_found" ? nothingToCancel(id, row.state) : error;
    }
    return await this.accepted(access, id);
  }

  /** Deletes a summary with its text; work on it is cancelled. */
  async remove(access: Access, id: string): Promise<void> {
    const seen = await this.#getRow(access, id);
    await this.#queue.transaction(async (scope) => {
      // The job first, as everywhere: a worker holds its job's row before it writes the summary.
      await this.#cancelIfOpen(scope, seen.job_id);
      const row = await lockSummary(scope.transaction, access.workspaceId, id);
      if (row === undefined) throw summaryNotFound(id);
      // Whoever watches the work waits for its end, which the job can't tell of a summary that is gone.
      if (!isSummaryOver(row.state)) await this.#tellDeleted(scope, access, id);
      await sql`DELETE FROM summary WHERE id = ${id}`.execute(scope.transaction);
      await forgetStream(scope.transaction, `summary:${id}`);
      this.#announce(scope, access, id);
    });
  }

  /** How a summary stands; undefined when there is none for this person. */
  async snapshot(access: Access, id: string): Promise<NumberedSummary | undefined> {
    const { queryable } = this.#queue.database;
    // The number first: an event after it may be in the rest already, none may be missing.
    const { lastSeq } = await this.#queue.feed.read(`summary:${id}`, Number.MAX_SAFE_INTEGER, 1);
    const row = await findSummary(queryable, access.workspaceId, id);
    if (row === undefined) return undefined;
    const job = await this.#findJob(row);
    const snapshot = { summary: toSummary(row, job), job: job === undefined ? null : toJob(job) };
    return { seq: lastSeq, snapshot };
  }

  async exists(access: Access, id: string): Promise<boolean> {
    return (await findSummary(this.#queue.database.queryable, access.workspaceId, id)) !== undefined;
  }

  async #getRow(access: Access, id: string): Promise<SummaryRow> {
    const row = await findSummary(this.#queue.database.queryable, access.workspaceId, id);
    if (row === undefined) throw summaryNotFound(id);
    return row;
  }

  async #findJob(row: SummaryRow): Promise<JobRecord | undefined> {
    const [job] = await findJobs(this.#queue.database.queryable, [row.job_id]);
    return job;
  }

  async #cancelIfOpen(scope: WriteScope, jobId: string): Promise<void> {
    try {
      await this.#queue.cancel(scope, jobId);
    } catch (error) {
      // It ended by itself, or its history has been forgotten: nothing is left to stop.
      if (!["already_finished", "job_not_found"].includes(errorCode(error))) throw error;
    }
  }

  #tellDeleted(scope: WriteScope, access: Access, id: string): Promise<void> {
    const data = { message: "The summary was deleted." };
    return this.#queue.appendEvents(scope, [
      { stream: `summary:${id}`, owner: access.workspaceId, type: "summary.cancelled", data },
    ]);
  }

  #announce(scope: WriteScope, access: Access, id: string): void {
    scope.afterCommit(() =>
      this.#queue.bus.publishNotice({
        topic: "workspace",
        owner: access.workspaceId,
        type: "summary.changed",
        data: { summary_id: id },
      }),
    );
  }
}
