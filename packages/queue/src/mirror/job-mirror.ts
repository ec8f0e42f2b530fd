import { isTerminal } from "@millrace/contracts";
import type { Database } from "@millrace/database";
import { sleep, StopError, toError } from "@millrace/kernel";
import type { Logger, Service } from "@millrace/kernel";
import { sql } from "kysely";
import type { EventBus } from "../events/event-bus.ts";
import type { TaskRegistry } from "../tasks/task-registry.ts";
import type { MirrorEntry, MirrorStore } from "./mirror-store.ts";
import { formatMirrored, parseMirrored, versionOf } from "./mirrored-job.ts";
import type { MirroredJob } from "./mirrored-job.ts";
import { readForMirror } from "./read-for-mirror.ts";
import type { JobForMirror } from "./read-for-mirror.ts";

/**
 * How old what is shown of a job that has not ended may be. Longer spares the database more of those who ask
 * again and again; shorter shows progress of other processes sooner.
 */
const freshMs = 1_000;
const dayMs = 24 * 3_600_000;
/** What happens to a job within this time is written once. */
const gatherMs = 100;
/**
 * Jobs that are read and written together. With the pause between, at most 2,000 a second: each costs a process
 * 50 µs and the database about as much, which jobs that do nothing would feel.
 */
const batchSize = 200;
/** Jobs that wait to be copied, and jobs that are known to have changed. Of more no copies are made. */
const maxKnown = 10_000;
/** Of one copy. Larger jobs are left to the database. */
const maxBytes = 65_536;

/**
 * Where a job that somebody asked for was read: `hit` from its copy; from the database because its copy may be
 * behind (`stale`), because there was none (`miss`), or because the store did not answer (`away`).
 */
export type MirrorLook = "hit" | "stale" | "miss" | "away";

export type MirrorParts = {
  readonly database: Database;
  readonly bus: EventBus;
  readonly registry: Pick<TaskRegistry, "redact" | "findTask">;
  readonly store: MirrorStore;
  readonly logger: Logger;
};

/**
 * Copies of jobs in a faster store, written after the commit and read before the database. Nothing waits for a
 * copy to be written, and any of them may be lost, late or never made: see docs/cache.md for what a reader may
 * see, and why. What the database is asked for it is asked in the background, in batches.
 *
 * - A job that succeeded never changes: its copy is good for a day, or until the job may be deleted.
 * - Other ends can be undone by a retry. Their copies are shown when one look at the job's row says that it is
 *   still so.
 * - A copy of a job that has not ended is shown for a second from when it was read, by the store's own clock,
 *   whatever has become of later writes.
 * - What changed in this process, or is known to have changed in another, is read from the database for that
 *   second: then no copy of before is fresh any more, whatever has become of the writes.
 */
export class JobMirror implements Service {
  readonly name = "copies of jobs";
  readonly #parts: MirrorParts;
  readonly #waiting = new Set<string>();
  /** Jobs that changed, here or elsewhere as far as it was told, and until when a copy of before may be fresh. */
  readonly #changed = new Map<string, number>();
  /** Until when that may be so of any job: there were too many to know them all. */
  #allChangedUntilMs = 0;
  readonly #listeners = new Set<(look: MirrorLook) => void>();
  #isFailing = false;
  #turning: Promise<void> | undefined;
  readonly #stopping = new AbortController();
  #unsubscribe: () => void = () => undefined;

  constructor(parts: MirrorParts) {
    this.#parts = parts;
  }

  async start(): Promise<void> {
    const { bus } = this.#parts;
    const endings = [
      bus.onTransition(({ job }) => this.touch(job.id)),
      bus.onRepeated(({ data }) => {
        if (typeof data["job_id"] === "string") this.#heardOfChange(data["job_id"]);
      }),
      bus.onMoved(({ heads }) => {
        for (const { stream } of heads) if (stream.startsWith("job:")) this.#heardOfChange(stream.slice(4));
      }),
    ];
    this.#unsubscribe = () => {
      for (const end of endings) end();
    };
  }

  /** Resolves when what waits has been written, or the store is away. */
  async stop(): Promise<void> {
    this.#unsubscribe();
    this.#stopping.abort(new StopError("shutdown", "no more copies are made"));
    await this.#turning;
  }

  /** The job has changed in this process: a copy of it as it is now is to be made. */
  touch(id: string): void {
    this.#heardOfChange(id);
    if (this.#stopping.signal.aborted || this.#waiting.size >= maxKnown) return;
    this.#waiting.add(id);
    this.#turning ??= this.#turn().finally(() => {
      this.#turning = undefined;
    });
  }

  /**
   * A job as it may be shown: its copy, else what the database has, of which a copy is made then. Undefined for a
   * job that there is not, and for one of which no copies are made. Rejects only for the database.
   */
  async look(id: string): Promise<MirroredJob | undefined> {
    const { store, database } = this.#parts;
    const stored = await store.read(id);
    if (stored?.text !== undefined) {
      const shown = await this.#show(id, stored.text, stored.isFresh);
      this.#tell(shown === undefined ? "stale" : "hit");
      if (shown !== undefined) return shown;
    } else {
      this.#tell(stored === undefined ? "away" : "miss");
    }
    const [seen] = await readForMirror(database.queryable, [id]);
    if (seen === undefined) return undefined;
    const entry = stored === undefined ? undefined : this.#entryOf(seen, stored.clockMs);
    if (entry !== undefined) void store.write([entry]);
    return this.#mirroredOf(seen);
  }

  /** Calls back after each look, for counting, until the returned function is called. Must not throw. */
  onLook(listener: (look: MirrorLook) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Jobs whose copies are still to be made. */
  get waiting(): number {
    return this.#waiting.size;
  }

  #tell(look: MirrorLook): void {
    for (const listener of this.#listeners) listener(look);
  }

  async #show(id: string, text: string, isFresh: boolean): Promise<MirroredJob | undefined> {
    const mirrored = parseMirrored(id, text);
    if (mirrored === undefined) {
      await this.#parts.store.discard(id);
      return undefined;
    }
    const { state } = mirrored.job;
    const isForGood = state === "succeeded" && mirrored.hasPurgeTime;
    if (!isForGood && !isTerminal(state) && (!isFresh || this.#mayBeBehind(id))) return undefined;
    if (!isForGood && isTerminal(state) && !(await isStillSo(this.#parts.database, mirrored)))
      return undefined;
    return this.#redacted(mirrored);
  }

  /** Whether a copy that is fresh may be of before a change that this process knows of. */
  #mayBeBehind(id: string): boolean {
    const nowMs = performance.now();
    return nowMs < this.#allChangedUntilMs || nowMs < (this.#changed.get(id) ?? 0);
  }

  #heardOfChange(id: string): void {
    const nowMs = performance.now();
    // Set anew, so that the first are those that end first.
    this.#changed.delete(id);
    this.#changed.set(id, nowMs + freshMs);
    for (const [first, untilMs] of this.#changed) {
      const isOver = untilMs <= nowMs;
      if (!isOver && this.#changed.size <= maxKnown) return;
      this.#changed.delete(first);
      if (!isOver) this.#allChangedUntilMs = untilMs;
    }
  }

  async #turn(): Promise<void> {
    const { signal } = this.#stopping;
    while (this.#waiting.size > 0) {
      await sleep(gatherMs, signal).catch(() => undefined);
      const batch = [...this.#waiting].slice(0, batchSize);
      for (const id of batch) this.#waiting.delete(id);
      try {
        await this.#copy(batch);
        this.#isFailing = false;
      } catch (error) {
        this.#failed(toError(error));
      }
    }
  }

  /** One line for as long as it goes wrong: there is a batch every few milliseconds. */
  #failed(error: Error): void {
    if (!this.#isFailing) this.#parts.logger.warn({ err: error }, "copies of jobs can't be made now");
    this.#isFailing = true;
  }

  /** None of it need succeed: what is of before grows stale, or is asked of the database anyway. */
  async #copy(ids: readonly string[]): Promise<void> {
    const { store, database } = this.#parts;
    // Before the database is read: what is said of the age of the copy must not be less than it is.
    const clockMs = await store.readClock();
    if (clockMs === undefined) return;
    const seen = await readForMirror(database.background.queryable, ids);
    const entries = seen.flatMap((job) => this.#entryOf(job, clockMs) ?? []);
    const copied = new Set(entries.map(({ id }) => id));
    // Gone, too large or not known here: what was there of it before would only take up room.
    await Promise.all(ids.filter((id) => !copied.has(id)).map((id) => store.discard(id)));
    if (entries.length > 0) await store.write(entries);
  }

  #mirroredOf({ job, detail, fence, purgeInMs }: JobForMirror): MirroredJob {
    return this.#redacted({ job, detail, fence, hasPurgeTime: purgeInMs !== null, isRedacted: false });
  }

  #entryOf(seen: JobForMirror, clockMs: number): MirrorEntry | undefined {
    const { job, purgeInMs } = seen;
    // Only who knows the task knows what is secret in it.
    if (this.#parts.registry.findTask(job.task, job.task_version) === undefined) return undefined;
    const text = formatMirrored(this.#mirroredOf(seen));
    if (Buffer.byteLength(text) > maxBytes) return undefined;
    return {
      id: job.id,
      version: versionOf({ ...seen, state: job.state }),
      freshUntilMs: clockMs + freshMs,
      expiresAtMs: clockMs + Math.floor(Math.min(dayMs, purgeInMs ?? dayMs)),
      text,
    };
  }

  /** By what this process knows of the task: who made the copy may have been of another version. */
  #redacted(mirrored: MirroredJob): MirroredJob {
    const { job, detail } = mirrored;
    const { registry } = this.#parts;
    const seen = { task: job.task, version: job.task_version };
    const input = registry.redact(seen, detail.input);
    const output = registry.redact(seen, detail.output);
    const isRedacted =
      mirrored.isRedacted || registry.findTask(job.task, job.task_version)?.redact.length !== 0;
    return { ...mirrored, isRedacted, detail: { ...detail, input, output } };
  }
}

/** One look at the row, by its key: whether nobody has put the job back in line since, or deleted it. */
async function isStillSo({ queryable }: Database, { job, fence }: MirroredJob): Promise<boolean> {
  const endedMs = job.finished_at?.getTime() ?? 0;
  const found = await sql<{ is_so: boolean }>`
    SELECT state = ${job.state} AND fence = ${fence}
      AND abs(extract(epoch FROM finished_at) * 1000 - ${endedMs}::double precision) < 1 AS is_so
    FROM job WHERE id = ${job.id}`.execute(queryable);
  return found.rows[0]?.is_so === true;
}
