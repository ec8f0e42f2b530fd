import type { StopReason } from "@millrace/kernel";
import type { AttemptEnd } from "../jobs/finish-attempt.ts";
import type { ClaimedJob } from "../jobs/job-row.ts";
import { openAttempt } from "../observe/spans.ts";
import { collectSecrets } from "../tasks/redact.ts";
import type { AnyTaskHandler } from "../tasks/task.ts";
import { endThatThrew } from "./attempt-end.ts";
import { AttemptStop } from "./attempt-stop.ts";
import type { StopListener } from "./attempt-stop.ts";
import { createJobContext } from "./create-job-context.ts";
import type { ExecuteParts, Execution, ExecutionListener } from "./execution.ts";
import type { JobContext } from "./job-context.ts";
import { recordEnd } from "./record-end.ts";
import { StopGrace } from "./stop-grace.ts";

/** One job of a batch, from its claim to its own end. */
export class BatchMember implements Execution, StopListener {
  readonly job: ClaimedJob;
  readonly attempt = new AttemptStop(this);
  readonly #parts: ExecuteParts;
  readonly #handler: AnyTaskHandler;
  readonly #listener: ExecutionListener;
  readonly #secrets: readonly string[];
  readonly #span: ReturnType<typeof openAttempt>;
  #grace: StopGrace | undefined;
  #isBegun = false;
  #isEnding = false;
  #onStop: ((member: BatchMember, reason: StopReason) => void) | undefined;

  constructor(parts: ExecuteParts, handler: AnyTaskHandler, job: ClaimedJob, listener: ExecutionListener) {
    this.#parts = parts;
    this.#handler = handler;
    this.job = job;
    this.#listener = listener;
    this.#secrets = collectSecrets(handler.task, job.input);
    parts.writer.open(job);
    this.#span = openAttempt(job);
  }

  stop(reason: StopReason): void {
    this.attempt.stop(reason);
  }

  /** Calls back for each reason to stop that counts, also for one that came before; the last listener alone. */
  listen(onStop: (member: BatchMember, reason: StopReason) => void): void {
    this.#onStop = onStop;
    if (this.attempt.reason !== undefined) onStop(this, this.attempt.reason);
  }

  /** Its attempt was told to stop. */
  told(reason: StopReason): void {
    this.#onStop?.(this, reason);
  }

  /** Throws when its input does not fit the task, and why it was told to stop if it was before it began. */
  createContext(): JobContext<unknown> {
    const { job, attempt } = this;
    if (attempt.aborted !== undefined) throw attempt.aborted;
    const input = this.#handler.readInput(job.input);
    const { softLimitMs } = this.#handler.task;
    const context = createJobContext(this.#parts, {
      job,
      input,
      attempt,
      softLimitMs,
      secrets: this.#secrets,
    });
    this.#isBegun = true;
    return context;
  }

  /** Told to stop while its batch is at work: it ends by itself when the batch does not end soon. */
  giveGrace(reason: StopReason): void {
    this.#grace ??= new StopGrace(this.attempt, (error) => void this.fail(error));
    this.#grace.begin(reason);
  }

  /** False when it has ended already, so that what comes of it now is void. */
  beginEnd(outcome?: "succeeded"): boolean {
    if (this.#isEnding) return false;
    this.#isEnding = true;
    this.#grace?.clear();
    if (outcome !== undefined) this.#ran(outcome);
    return true;
  }

  /** Ends it with what it threw, or what was thrown for all. Never rejects. */
  async fail(error: unknown): Promise<void> {
    if (!this.beginEnd()) return;
    const { job, attempt } = this;
    const { task } = this.#handler;
    const attempted = { job, attempt, task, secrets: this.#secrets, isBegun: this.#isBegun };
    const end = await endThatThrew(this.#parts, attempted, error);
    this.#ran(end?.outcome, end !== undefined && "error" in end ? end.error : undefined);
    if (end !== undefined) await this.record(end);
    else this.close();
  }

  /** Records its end by itself. */
  async record(end: AttemptEnd): Promise<void> {
    await recordEnd(this.#parts, this.job, end, this.attempt);
    this.close();
  }

  /** Its end is recorded, or is no longer ours to record. */
  close(): void {
    this.#parts.writer.close(this.job);
    this.#span?.close();
    this.#listener.done(this);
  }

  #ran(outcome: AttemptEnd["outcome"] | undefined, error?: { readonly code: string }): void {
    this.#listener.ran(this.job);
    if (outcome !== undefined) this.#span?.ended(outcome, error);
  }
}
