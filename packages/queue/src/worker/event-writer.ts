import type { QueryAccess } from "@millrace/database";
import { toError, TurnoverMap } from "@millrace/kernel";
import type { Logger } from "@millrace/kernel";
import { sql } from "kysely";
import type { EventBus } from "../events/event-bus.ts";
import { withWriteScope } from "../write-scope.ts";
import { mayPassLater } from "./database-trouble.ts";
import { writePending } from "./pending-writes.ts";
import type { HeldJob, LogEntry, PendingWrites, ProgressState } from "./pending-writes.ts";

/** At most one transaction per 50 ms for all jobs of the process. */
const flushEveryMs = 50;
/** At most four progress events a second per job: a person reads no faster. */
const progressEveryMs = 250;
/** After the database was away or busy: untuned, and more often would only fill the log. */
const restMs = 1000;
/** A job that logs without end must not fill the memory while the database is away. */
const maxPendingLogs = 1000;

type Buffer = {
  readonly job: HeldJob;
  logs: LogEntry[];
  progress: ProgressState | undefined;
  lastProgressMs: number;
};

/**
 * Gathers log lines and progress of all running jobs and writes them together, fenced. The lines that
 * a job logged before it commits something go with that commit, so their order is kept; progress is
 * only ever the latest, at most four times a second and at the end.
 */
export class EventWriter {
  readonly #database: QueryAccess;
  readonly #bus: EventBus;
  readonly #logger: Logger;
  readonly #onProgress: (jobId: string) => void;
  /** The jobs that run, and of those that have said or written something in this attempt what it was. */
  readonly #open = new TurnoverMap<string, HeldJob>();
  readonly #buffers = new Map<string, Buffer>();
  #timer: NodeJS.Timeout | undefined;
  /** Nothing is flushed before, whoever asks for it: jobs go on talking while the database is away. */
  #restUntilMs = 0;
  #flushing: Promise<void> = Promise.resolve();
  /** The last transaction of each job that is under way or waits for its turn. */
  readonly #writing = new Map<string, Promise<void>>();
  #inFlush: ReadonlySet<string> = new Set();

  constructor(parts: {
    database: QueryAccess;
    bus: EventBus;
    logger: Logger;
    /** Jobs whose progress has been written. Default nobody is told. */
    onProgress?: (jobId: string) => void;
  }) {
    this.#database = parts.database;
    this.#bus = parts.bus;
    this.#logger = parts.logger;
    this.#onProgress = parts.onProgress ?? (() => undefined);
  }

  open(job: HeldJob): void {
    this.#open.set(job.id, job);
    this.#buffers.delete(job.id);
  }

  close(job: HeldJob): void {
    if (this.#open.get(job.id)?.fence !== job.fence) return;
    this.#open.delete(job.id);
    this.#buffers.delete(job.id);
  }

  /** Whether a job has logged, reported progress or had a transaction of its own since it was opened. */
  hasHeard(job: HeldJob): boolean {
    return this.#open.get(job.id)?.fence !== job.fence || this.#buffers.has(job.id);
  }

  log(job: HeldJob, line: LogEntry): void {
    const buffer = this.#bufferOf(job);
    if (buffer === undefined || buffer.logs.length >= maxPendingLogs) return;
    buffer.logs.push(line);
    this.#arm(flushEveryMs);
  }

  progress(job: HeldJob, progress: ProgressState): void {
    const buffer = this.#bufferOf(job);
    if (buffer === undefined) return;
    buffer.progress = progress;
    this.#arm(flushEveryMs);
  }

  /**
   * Runs one fenced transaction of a job with what is pending for it, to be written inside; it is
   * pending again when that throws. Progress waits until it is due. One at a time for each job and never beside a flush of it, in
   * which some of it would overtake the rest, or come after the end and be void. They would wait
   * for each other at the job's row anyway. Not to be nested.
   */
  write<Result>(job: HeldJob, work: (pending: PendingWrites) => Promise<Result>): Promise<Result> {
    return this.#writeAlone(job, work, () => this.#take(job, "when_due"));
  }

  /** The same for the end of the attempt, with the last progress whether it is due or not. */
  writeEnd<Result>(job: HeldJob, work: (pending: PendingWrites) => Promise<Result>): Promise<Result> {
    return this.#writeAlone(job, work, () => this.#take(job, "now"));
  }

  async #writeAlone<Result>(
    job: HeldJob,
    work: (pending: PendingWrites) => Promise<Result>,
    take: () => PendingWrites,
  ): Promise<Result> {
    // From now on the job has been heard.
    this.#bufferOf(job);
    const before = this.#writing.get(job.id);
    const own = Promise.withResolvers<void>();
    this.#writing.set(job.id, own.promise);
    await before;
    while (this.#inFlush.has(job.id)) await this.#flushing;
    const pending = take();
    try {
      return await work(pending);
    } catch (error) {
      this.#putBack(pending);
      throw error;
    } finally {
      if (this.#writing.get(job.id) === own.promise) this.#writing.delete(job.id);
      own.resolve();
    }
  }

  /** Resolves when nothing is being written. */
  async settle(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#flushing;
  }

  #take(job: HeldJob, progress: "when_due" | "now"): PendingWrites {
    const buffer = this.#bufferOf(job);
    return buffer === undefined ? { job, logs: [], progress: undefined } : this.#drain(buffer, progress);
  }

  /** Gives back what a rolled-back transaction did not write. The last lines are lost where there is no room. */
  #putBack(pending: PendingWrites): void {
    const buffer = this.#bufferOf(pending.job);
    if (buffer === undefined) return;
    buffer.logs = [...pending.logs, ...buffer.logs].slice(0, maxPendingLogs);
    buffer.progress ??= pending.progress;
    if (pending.logs.length > 0 || buffer.progress !== undefined) this.#arm(flushEveryMs);
  }

  /** Undefined when this attempt is over. Made when it is first asked for: most jobs say nothing. */
  #bufferOf(job: HeldJob): Buffer | undefined {
    if (this.#open.get(job.id)?.fence !== job.fence) return undefined;
    const known = this.#buffers.get(job.id);
    if (known !== undefined) return known;
    const buffer = { job, logs: [], progress: undefined, lastProgressMs: -progressEveryMs };
    this.#buffers.set(job.id, buffer);
    return buffer;
  }

  #drain(buffer: Buffer, when: "when_due" | "now"): PendingWrites {
    const now = performance.now();
    const isDue = when === "now" || now - buffer.lastProgressMs >= progressEveryMs;
    const progress = isDue ? buffer.progress : undefined;
    const pending = { job: buffer.job, logs: buffer.logs, progress };
    buffer.logs = [];
    if (progress !== undefined) {
      buffer.progress = undefined;
      buffer.lastProgressMs = now;
    }
    return pending;
  }

  #arm(delayMs: number): void {
    this.#timer ??= setTimeout(
      () => {
        this.#timer = undefined;
        this.#flushing = this.#flushing.then(() => this.#flush());
      },
      Math.max(delayMs, this.#restLeftMs()),
    );
  }

  #restLeftMs(): number {
    return this.#restUntilMs - performance.now();
  }

  async #flush(): Promise<void> {
    // It was armed before the try that has failed since.
    if (this.#restLeftMs() > 0) return this.#armForWaiting();
    const isWriting = ({ job }: Buffer): boolean => this.#writing.has(job.id);
    const pending = [...this.#buffers.values()]
      .filter((buffer) => !isWriting(buffer))
      .map((buffer) => this.#drain(buffer, "when_due"))
      .filter(({ logs, progress }) => logs.length > 0 || progress !== undefined);
    this.#inFlush = new Set(pending.map(({ job }) => job.id));
    try {
      if (pending.length > 0) await this.#write(pending);
    } catch (error) {
      if (mayPassLater(error)) this.#keepForLater(pending, error);
      else await this.#writeApart(pending);
    } finally {
      this.#inFlush = new Set();
    }
    this.#armForWaiting();
  }

  #armForWaiting(): void {
    const isWaiting = [...this.#buffers.values()].some(
      (buffer) => buffer.progress !== undefined || buffer.logs.length > 0,
    );
    if (isWaiting) this.#arm(progressEveryMs);
  }

  #keepForLater(pending: readonly PendingWrites[], error: unknown): void {
    // First: what is put back asks for a flush.
    this.#restUntilMs = performance.now() + restMs;
    for (const item of pending) this.#putBack(item);
    this.#logger.warn({ err: toError(error) }, "progress could not be written and will be tried again");
  }

  /** What the database refuses of one job keeps back nothing of the others, and does not come again. */
  async #writeApart(pending: readonly PendingWrites[]): Promise<void> {
    for (const item of pending) {
      try {
        await this.#write([item]);
      } catch (error) {
        if (mayPassLater(error)) this.#keepForLater([item], error);
        else {
          this.#logger.error({ err: toError(error), jobId: item.job.id }, "what a job said was refused");
        }
      }
    }
  }

  async #write(pending: readonly PendingWrites[]): Promise<void> {
    await withWriteScope(
      this.#database,
      async (scope) => {
        const locked = await sql<{ id: string; fence: number }>`
        SELECT id, fence FROM job WHERE id = ANY(${pending.map(({ job }) => job.id)}::uuid[]) AND state = 'running'
        ORDER BY id FOR UPDATE`.execute(scope.transaction);
        const fences = new Map(locked.rows.map((row) => [row.id, row.fence]));
        const held = pending.filter(({ job }) => fences.get(job.id) === job.fence);
        await writePending(scope, this.#bus, held);
      },
      "write_progress",
    );
    for (const { job, progress } of pending) if (progress !== undefined) this.#onProgress(job.id);
  }
}
