import { isQuestionOver } from "@millrace/contracts";
import type { AcceptedQuestion, CreateQuestion, Question, QuestionSnapshot } from "@millrace/contracts";
import type { IdempotentRequest } from "@millrace/database";
import { errorCode } from "@millrace/kernel";
import type { Access } from "@millrace/kernel";
import { findJobs, forgetStream, toJob } from "@millrace/queue";
import type { JobRecord, Queue, WriteScope } from "@millrace/queue";
import { sql } from "kysely";
import { acceptQuestion } from "./accept-question.ts";
import type { Accepted } from "./accept-question.ts";
import type { AskLibrary } from "./ask-library.ts";
import { documentsUnknown, nothingToCancel, questionNotFound } from "./errors.ts";
import { toQuestion } from "./question-row.ts";
import type { QuestionRow } from "./question-row.ts";
import { findQuestion, listQuestions, lockQuestion } from "./read-questions.ts";
import type { QuestionFilter } from "./read-questions.ts";

/** How a question stands, and the number of the last event that is surely part of it. */
type NumberedQuestion = { readonly seq: number; readonly snapshot: QuestionSnapshot };

/** What can be done with questions, on behalf of somebody. Others' questions are not found. */
export class Questions {
  readonly #queue: Queue;
  readonly #findTitles: AskLibrary["findTitles"];

  constructor(parts: { readonly queue: Queue; readonly findTitles: AskLibrary["findTitles"] }) {
    this.#queue = parts.queue;
    this.#findTitles = parts.findTitles;
  }

  /** Takes a question in to be answered; see `acceptQuestion`. Throws `documents_unknown` too. */
  async accept(access: Access, request: CreateQuestion, idempotency?: IdempotentRequest): Promise<Accepted> {
    const ids = request.document_ids ?? [];
    const known = ids.length === 0 ? new Map() : await this.#findTitles(access.workspaceId, ids);
    const unknown = ids.filter((id) => !known.has(id.toLowerCase()));
    if (unknown.length > 0) throw documentsUnknown(unknown);
    return await acceptQuestion(this.#queue, access, request, idempotency);
  }

  async list(access: Access, filter: QuestionFilter): Promise<Question[]> {
    const { queryable } = this.#queue.database;
    const rows = await listQuestions(queryable, access.workspaceId, filter);
    const open = rows.filter((row) => !isQuestionOver(row.state));
    const jobs = await findJobs(
      queryable,
      open.map((row) => row.job_id),
    );
    const byId = new Map(jobs.map((job) => [job.id, job]));
    return rows.map((row) => toQuestion(row, byId.get(row.job_id)));
  }

  async get(access: Access, id: string): Promise<Question> {
    const row = await this.#getRow(access, id);
    return toQuestion(row, await this.#findJob(row));
  }

  /** The question with its job. Throws `question_not_found`, also when the job has been forgotten. */
  async accepted(access: Access, id: string): Promise<AcceptedQuestion> {
    const row = await this.#getRow(access, id);
    const job = await this.#findJob(row);
    if (job === undefined) throw questionNotFound(id);
    return { question: toQuestion(row, job), job: toJob(job) };
  }

  /** Asks for the end of the work; twice is the same as once. Throws `already_finished`. */
  async cancel(access: Access, id: string): Promise<AcceptedQuestion> {
    const row = await this.#getRow(access, id);
    if (isQuestionOver(row.state) && row.state !== "cancelled") throw nothingToCancel(id, row.state);
    try {
      await this.#queue.transaction((scope) => this.#queue.cancel(scope, row.job_id));
    } catch (error) {
      // Cancelled so long ago that the job has been forgotten.
      throw errorCode(error) === "job_not_found" ? nothingToCancel(id, row.state) : error;
    }
    return await this.accepted(access, id);
  }

  /** Deletes a question with its answer; work on it is cancelled. */
  async remove(access: Access, id: string): Promise<void> {
    const seen = await this.#getRow(access, id);
    await this.#queue.transaction(async (scope) => {
      // The job first, as everywhere: a worker holds its job's row before it writes the question.
      await this.#cancelIfOpen(scope, seen.job_id);
      const row = await lockQuestion(scope.transaction, access.workspaceId, id);
      if (row === undefined) throw questionNotFound(id);
      // Whoever watches the work waits for its end, which the job can't tell of a question that is gone.
      if (!isQuestionOver(row.state)) await this.#tellDeleted(scope, access, id);
      await sql`DELETE FROM question WHERE id = ${id}`.execute(scope.transaction);
      await forgetStream(scope.transaction, `ask:${id}`);
      this.#announce(scope, access, id);
    });
  }

  /** How a question stands; undefined when there is none for this person. */
  async snapshot(access: Access, id: string): Promise<NumberedQuestion | undefined> {
    const { queryable } = this.#queue.database;
    // The number first: an event after it may be in the rest already, none may be missing.
    const { lastSeq } = await this.#queue.feed.read(`ask:${id}`, Number.MAX_SAFE_INTEGER, 1);
    const row = await findQuestion(queryable, access.workspaceId, id);
    if (row === undefined) return undefined;
    const job = await this.#findJob(row);
    const snapshot = { question: toQuestion(row, job), job: job === undefined ? null : toJob(job) };
    return { seq: lastSeq, snapshot };
  }

  async exists(access: Access, id: string): Promise<boolean> {
    return (await findQuestion(this.#queue.database.queryable, access.workspaceId, id)) !== undefined;
  }

  async #getRow(access: Access, id: string): Promise<QuestionRow> {
    const row = await findQuestion(this.#queue.database.queryable, access.workspaceId, id);
    if (row === undefined) throw questionNotFound(id);
    return row;
  }

  async #findJob(row: QuestionRow): Promise<JobRecord | undefined> {
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
    const data = { message: "The question was deleted." };
    return this.#queue.appendEvents(scope, [
      { stream: `ask:${id}`, owner: access.workspaceId, type: "ask.cancelled", data },
    ]);
  }

  #announce(scope: WriteScope, access: Access, id: string): void {
    scope.afterCommit(() =>
      this.#queue.bus.publishNotice({
        topic: "workspace",
        owner: access.workspaceId,
        type: "ask.changed",
        data: { ask_id: id },
      }),
    );
  }
}
