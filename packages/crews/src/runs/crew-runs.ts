import { isTerminal } from "@millrace/contracts";
import type { CrewRunDetail, CrewRunShape } from "@millrace/contracts";
import { newId } from "@millrace/kernel";
import type { Access } from "@millrace/kernel";
import { findJobs } from "@millrace/queue";
import type { Queue } from "@millrace/queue";
import type { Crew, CrewInputs, TaskOutput } from "../definition/crew.ts";
import type { LoadedCrews } from "../definition/load-crews.ts";
import { crewErrors } from "../errors.ts";
import { missingInputs } from "../prompts/interpolate.ts";
import { crewRunTask } from "./crew-run-task.ts";
import { getCrew } from "./get-crew.ts";
import { findRun, findRunOfJob, listFiles, listRuns, readFile, readOutputs, readTasks } from "./read-runs.ts";
import type { RunFilter } from "./read-runs.ts";
import { toCrewRun, toCrewRunDetail } from "./run-row.ts";
import type { RunRow } from "./run-row.ts";
import { insertRun } from "./write-runs.ts";

export type StartOptions = {
  readonly priority?: number | undefined;
  readonly tags?: readonly string[] | undefined;
  /** Asking again with it gives the run that is there. */
  readonly idempotencyKey?: string | undefined;
};

/** Which run is meant. With `crew` a run of another crew is not found. */
export type RunReference = { readonly id: string; readonly crew?: string | undefined };

export type StartedRun = { readonly run: CrewRunShape; readonly isNew: boolean };

/** What can be done with runs of crews, on behalf of somebody. Others' runs are not found. */
export class CrewRuns {
  readonly #queue: Queue;
  readonly #crews: LoadedCrews;

  constructor(parts: { readonly queue: Queue; readonly crews: LoadedCrews }) {
    this.#queue = parts.queue;
    this.#crews = parts.crews;
  }

  /**
   * Writes a run and its job in one transaction. Throws `crew_not_found`, `invalid_crew`, `crew_inputs_invalid` and
   * `idempotency_key_reused`.
   */
  start(access: Access, name: string, inputs: CrewInputs, options: StartOptions = {}): Promise<StartedRun> {
    const crew = getCrew(this.#crews, name);
    const missing = missingInputs(crew, inputs);
    if (missing.length > 0)
      throw crewErrors.inputsInvalid(
        missing.map((item) => ({ ...item, pointer: `/inputs/${item.pointer}` })),
      );
    return this.#write(access, { crew, inputs, replay: null, outputs: [] }, options);
  }

  /**
   * A new run with the same inputs that begins at a task, with what the tasks before it came to in this run; the
   * crew's files may have changed. Throws `crew_run_not_found`, `crew_task_unknown`, `crew_replay_output_missing`.
   */
  async replay(
    access: Access,
    asked: RunReference,
    from: string,
    options: StartOptions = {},
  ): Promise<StartedRun> {
    const row = await this.#getRow(access, asked);
    const crew = getCrew(this.#crews, row.crew);
    const outputs = await readOutputs(this.#queue.database.queryable, row.id);
    const { inputs } = toCrewRun(row, undefined);
    const replay = { of: row.id, from };
    return await this.#write(
      access,
      { crew, inputs, replay, outputs: outputsBefore(crew, from, outputs) },
      options,
    );
  }

  async list(access: Access, filter: RunFilter): Promise<CrewRunShape[]> {
    const { queryable } = this.#queue.database;
    const rows = await listRuns(queryable, access.workspaceId, filter);
    const jobs = await findJobs(
      queryable,
      rows.map((row) => row.job_id),
    );
    const byId = new Map(jobs.map((job) => [job.id, job]));
    return rows.map((row) => toCrewRun(row, byId.get(row.job_id)));
  }

  async get(access: Access, asked: RunReference): Promise<CrewRunDetail> {
    return await this.#toDetail(await this.#getRow(access, asked));
  }

  /** The run at its end, or as it is when the time is over. */
  async waitForEnd(
    access: Access,
    asked: RunReference,
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<CrewRunDetail> {
    const row = await this.#getRow(access, asked);
    if (row.end_state === null) await this.#queue.waitForEnd(row.job_id, options);
    return await this.get(access, asked);
  }

  /** Gives what the run waits for. Throws what `Queue.answer` throws. */
  async answer(
    access: Access,
    asked: RunReference,
    given: { readonly key: string; readonly answer: string; readonly by: string },
  ): Promise<CrewRunShape> {
    const row = await this.#getRow(access, asked);
    await this.#queue.transaction((scope) => this.#queue.answer(scope, row.job_id, given));
    return await this.#toRun(await this.#getRow(access, asked));
  }

  /** Asks for the end of a run; twice is the same as once. Throws `already_finished`. */
  async cancel(access: Access, asked: RunReference): Promise<CrewRunShape> {
    const row = await this.#getRow(access, asked);
    await this.#queue.transaction((scope) => this.#queue.cancel(scope, row.job_id));
    return await this.#toRun(await this.#getRow(access, asked));
  }

  /** The text of an output file. Throws `crew_run_file_not_found`. */
  async file(access: Access, asked: RunReference, path: string): Promise<string> {
    const row = await this.#getRow(access, asked);
    const text = await readFile(this.#queue.database.queryable, row.id, path);
    if (text === undefined) throw crewErrors.runFileNotFound(path);
    return text;
  }

  /** Where the events of a run are; undefined when there is no such run for this person. */
  async streamOf(access: Access, asked: RunReference): Promise<string | undefined> {
    return (await this.#findRow(access, asked))?.stream;
  }

  /** How a run stands, with the number of the last event that is surely part of it. */
  async snapshot(access: Access, asked: RunReference) {
    const stream = await this.streamOf(access, asked);
    if (stream === undefined) return undefined;
    const { lastSeq } = await this.#queue.feed.read(stream, Number.MAX_SAFE_INTEGER, 1);
    const run = await this.get(access, asked);
    return { seq: lastSeq, data: run, isFinished: isTerminal(run.state) };
  }

  async #write(
    access: Access,
    run: Pick<Parameters<typeof insertRun>[2], "crew" | "inputs" | "replay" | "outputs">,
    { priority, tags, idempotencyKey }: StartOptions,
  ): Promise<StartedRun> {
    const [id, jobId] = [newId(), newId()];
    const stream = `crew_run:${id}`;
    const input = { crew: run.crew.name, inputs: run.inputs, replay: run.replay };
    const isNew = await this.#queue.transaction(async (scope) => {
      const job = await this.#queue.enqueue(scope, crewRunTask, input, {
        id: jobId,
        owner: access.workspaceId,
        stream,
        tags: [`crew:${run.crew.name}`, ...(tags ?? [])],
        ...(priority === undefined ? {} : { priority }),
        ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
      });
      if (job.id !== jobId) return job.id;
      await insertRun(scope.transaction, access, { ...run, id, jobId, stream });
      return true;
    });
    const { queryable } = this.#queue.database;
    const row =
      isNew === true
        ? await findRun(queryable, access.workspaceId, id)
        : await findRunOfJob(queryable, isNew);
    if (row === undefined) throw crewErrors.runNotFound(id);
    return { run: await this.#toRun(row), isNew: isNew === true };
  }

  async #findRow(access: Access, { id, crew }: RunReference): Promise<RunRow | undefined> {
    const row = await findRun(this.#queue.database.queryable, access.workspaceId, id);
    return crew === undefined || row?.crew === crew ? row : undefined;
  }

  async #getRow(access: Access, asked: RunReference): Promise<RunRow> {
    const row = await this.#findRow(access, asked);
    if (row === undefined) throw crewErrors.runNotFound(asked.id);
    return row;
  }

  async #toRun(row: RunRow): Promise<CrewRunShape> {
    const [job] = await findJobs(this.#queue.database.queryable, [row.job_id]);
    return toCrewRun(row, job);
  }

  async #toDetail(row: RunRow): Promise<CrewRunDetail> {
    const { queryable } = this.#queue.database;
    const parts = { tasks: await readTasks(queryable, row.id), files: await listFiles(queryable, row.id) };
    return toCrewRunDetail(await this.#toRun(row), row, parts);
  }
}

function outputsBefore(crew: Crew, from: string, outputs: readonly TaskOutput[]): TaskOutput[] {
  const names = crew.tasks.map((task) => task.name);
  const at = names.indexOf(from);
  if (at === -1) throw crewErrors.replayTaskUnknown(from, names);
  return names.slice(0, at).map((name) => {
    const output = outputs.find((one) => one.task === name);
    if (output === undefined) throw crewErrors.replayOutputMissing(name);
    return output;
  });
}
