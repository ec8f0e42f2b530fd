import { isTerminal } from "@millrace/contracts";
import type { Database } from "@millrace/database";
import { jobNotFound } from "../errors.ts";
import type { EventBus } from "../events/event-bus.ts";
import type { JobMirror } from "../mirror/job-mirror.ts";
import type { TaskRegistry } from "../tasks/task-registry.ts";
import type { Task } from "../tasks/task.ts";
import { parseOutput } from "../tasks/task-values.ts";
import { findJobs, readJobDetail, readPayload } from "./find-jobs.ts";
import type { JobDetailRecord, JobRecord } from "./find-jobs.ts";
import { readOutput } from "./read-output.ts";

/** How often somebody who waits looks for what nobody told of. */
const lookEveryMs = 1_000;

/** What there is to see of single jobs: from their copies first where such are kept and that is good enough. */
export class JobReader {
  readonly #database: Database;
  readonly #bus: EventBus;
  readonly #registry: TaskRegistry;
  readonly #mirror: JobMirror | undefined;

  constructor(parts: {
    database: Database;
    bus: EventBus;
    registry: TaskRegistry;
    mirror: JobMirror | undefined;
  }) {
    this.#database = parts.database;
    this.#bus = parts.bus;
    this.#registry = parts.registry;
    this.#mirror = parts.mirror;
  }

  /** See `Queue.look`. */
  async look(id: string): Promise<{ readonly job: JobRecord; readonly detail: JobDetailRecord } | undefined> {
    const seen = await this.#mirror?.look(id);
    if (seen !== undefined) return seen;
    const job = await this.#findJob(id);
    return job === undefined ? undefined : { job, detail: await this.#detailOf(job) };
  }

  /** See `Queue.result`. */
  async result<Input, Output>(task: Task<Input, Output>, id: string): Promise<Output> {
    const seen = await this.#mirror?.look(id);
    const isWhole = seen?.isRedacted === false && !seen.detail.omitted.includes("output");
    if (seen?.job.state === "succeeded" && isWhole) return parseOutput(task, seen.detail.output);
    return await readOutput(this.#database.queryable, task, await this.#findJob(id), id);
  }

  /** See `Queue.waitForEnd`. */
  async waitForEnd(
    id: string,
    options: { timeoutMs: number; signal?: AbortSignal },
  ): Promise<JobRecord | undefined> {
    const deadline = performance.now() + options.timeoutMs;
    // What was just told of may not be in a copy yet.
    let isTold = true;
    for (;;) {
      const leftMs = Math.max(1, deadline - performance.now());
      const change = this.#nextChange(id, options.signal, Math.min(lookEveryMs, leftMs));
      const seen = isTold ? undefined : await this.#mirror?.look(id);
      const job = seen?.job ?? (await this.#findJob(id));
      const isOver = performance.now() >= deadline || options.signal?.aborted === true;
      if (job === undefined || isTerminal(job.state) || isOver) {
        change.stop();
        return job;
      }
      isTold = await change.happened;
    }
  }

  /** See `Queue.readDetail`. */
  async readDetail(id: string): Promise<JobDetailRecord> {
    const job = await this.#findJob(id);
    if (job === undefined) throw jobNotFound(id);
    return await this.#detailOf(job);
  }

  /** See `Queue.readPayload`. */
  async readPayload(id: string): Promise<{ readonly input: unknown; readonly output: unknown }> {
    const job = await this.#findJob(id);
    const payload = await readPayload(this.#database.queryable, id);
    if (job === undefined || payload === undefined) throw jobNotFound(id);
    return this.#redacted(job, payload);
  }

  async #findJob(id: string): Promise<JobRecord | undefined> {
    const [job] = await findJobs(this.#database.queryable, [id]);
    return job;
  }

  async #detailOf(job: JobRecord): Promise<JobDetailRecord> {
    return this.#redacted(job, await readJobDetail(this.#database.queryable, job.id));
  }

  #redacted<Payload extends { readonly input: unknown; readonly output: unknown }>(
    job: JobRecord,
    payload: Payload,
  ): Payload {
    const seen = { task: job.task, version: job.task_version };
    const input = this.#registry.redact(seen, payload.input);
    return { ...payload, input, output: this.#registry.redact(seen, payload.output) };
  }

  /** `happened` says whether somebody told of a change of the job. */
  #nextChange(id: string, signal: AbortSignal | undefined, maxMs: number) {
    let stop = (): void => undefined;
    const happened = new Promise<boolean>((resolve) => {
      let isTold = false;
      const unsubscribe = this.#bus.onNotice((notice) => {
        if (notice.data["job_id"] !== id) return;
        isTold = true;
        stop();
      });
      const timer = setTimeout(() => stop(), maxMs);
      const onAbort = (): void => stop();
      signal?.addEventListener("abort", onAbort, { once: true });
      stop = () => {
        unsubscribe();
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
        resolve(isTold);
      };
    });
    return { happened, stop: () => stop() };
  }
}
