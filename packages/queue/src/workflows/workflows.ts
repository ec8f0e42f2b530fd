import type { Database } from "@millrace/database";
import { isMillraceError, parseJson } from "@millrace/kernel";
import type { BackgroundWork } from "@millrace/kernel";
import type { RetryParts } from "../jobs/retry.ts";
import { withWriteScope } from "../write-scope.ts";
import type { WriteScope } from "../write-scope.ts";
import { cancelWorkflow } from "./cancel-workflow.ts";
import { readNodeOutput } from "./node-output.ts";
import { findWorkflow, listWorkflows, readTree } from "./read-workflows.ts";
import type { TreeNode, WorkflowFilter, WorkflowRecord } from "./read-workflows.ts";
import { retryWorkflow } from "./retry-workflow.ts";
import { startWorkflow } from "./start-workflow.ts";
import type { StartableFlow, WorkflowOptions } from "./start-workflow.ts";
import { stopMembers } from "./stop-members.ts";
import { workflowNotFinished, workflowNotFound, workflowNotSucceeded } from "./workflow-errors.ts";

export type WorkflowsParts = Omit<RetryParts, "skipsHook" | "onStopping"> & {
  readonly database: Database;
  readonly onCancelRequested: (id: string) => void;
  /** What is done after a commit; awaited when the process stops. */
  readonly background: BackgroundWork;
};

/** A workflow that was started, with the type of what it will give. */
export type StartedWorkflow<Output> = {
  readonly id: string;
  /** Only for the compiler. */
  readonly output?: Output;
};

/** Output shown with a workflow; a larger one is asked for by `result`. */
const maxShownBytes = 1024 * 1024;
const root = 1;

/** Chains, groups, chords and maps of jobs: what is asked and wanted of them as wholes. */
export class Workflows {
  readonly #parts: WorkflowsParts;

  constructor(parts: WorkflowsParts) {
    this.#parts = parts;
  }

  /**
   * Starts a flow: when this resolves, the workflow and all its jobs are there for good. With a scope they are
   * written in the caller's transaction, and there if and only if that commits. Throws `invalid_workflow`,
   * `workflow_too_large`, `workflow_too_deep`, `invalid_job_input` or `idempotency_key_reused`.
   */
  async start<Output>(
    flow: StartableFlow<Output>,
    options: WorkflowOptions = {},
    scope?: WriteScope,
  ): Promise<StartedWorkflow<Output>> {
    const start = (within: WriteScope): Promise<string> =>
      startWorkflow(within, this.#ending(), flow, options);
    if (scope !== undefined) return { id: await start(scope) };
    return { id: await withWriteScope(this.#parts.database, start, "workflow_start") };
  }

  /** Throws `workflow_not_found`. */
  async get(id: string): Promise<WorkflowRecord> {
    const record = await findWorkflow(this.#parts.database.queryable, id);
    if (record === undefined) throw workflowNotFound(id);
    return record;
  }

  /** See `readTree`. Throws `workflow_not_found`. */
  async tree(id: string, options: { readonly members: number } = { members: 100 }): Promise<TreeNode> {
    const tree = await readTree(this.#parts.database.queryable, id, options);
    if (tree === undefined) throw workflowNotFound(id);
    return tree;
  }

  /** See `listWorkflows`. */
  list(filter: WorkflowFilter): Promise<WorkflowRecord[]> {
    return listWorkflows(this.#parts.database.queryable, filter);
  }

  /**
   * Cancels the whole: see `cancelWorkflow`. Without a scope its jobs that do not run have ended when this
   * resolves, and those that run have been told.
   */
  async cancel(id: string, scope?: WriteScope): Promise<"cancelled" | "cancelling"> {
    if (scope !== undefined) return await cancelWorkflow(scope, this.#ending(), id);
    const cancel = (within: WriteScope) => cancelWorkflow(within, this.#ending(), id);
    await withWriteScope(this.#parts.database, cancel, "workflow_cancel");
    await stopMembers(this.#parts, id);
    return (await this.get(id)).state === "cancelled" ? "cancelled" : "cancelling";
  }

  /** See `retryWorkflow`. */
  async retry(id: string, scope?: WriteScope): Promise<void> {
    const retry = (within: WriteScope) => retryWorkflow(within, this.#ending(), id);
    await (scope === undefined
      ? withWriteScope(this.#parts.database, retry, "workflow_retry")
      : retry(scope));
  }

  /**
   * What it gave: of a job its output, of a chain that of its last part, of a group the array of its members'.
   * Throws `workflow_not_found`, `workflow_not_finished`, `workflow_failed`, `workflow_cancelled` or
   * `workflow_result_too_large`.
   */
  async result<Output>({ id }: StartedWorkflow<Output>): Promise<Output> {
    const { state, error_code: code, error_message: message } = await this.get(id);
    if (state === "running") throw workflowNotFinished(id);
    if (state !== "succeeded") {
      throw workflowNotSucceeded(id, state, code === null ? null : { code, message: message ?? code });
    }
    const text = await readNodeOutput(this.#parts.database.queryable, { workflow_id: id, number: root });
    // What each job gave has been read by its task's schema before it was stored.
    return parseJson(text) as Output;
  }

  /** The output as people may see it: null until there is one, and when it is larger than a page should get. */
  async shownOutput({ id, state }: Pick<WorkflowRecord, "id" | "state">): Promise<unknown> {
    if (state !== "succeeded") return null;
    const { database, registry } = this.#parts;
    try {
      const text = await readNodeOutput(
        database.queryable,
        { workflow_id: id, number: root },
        {
          maxBytes: maxShownBytes,
          leaf: ({ task, version, text: output }) =>
            JSON.stringify(registry.redact({ task, version }, parseJson(output))),
        },
      );
      return parseJson(text);
    } catch (error) {
      if (isMillraceError(error) && error.code === "workflow_result_too_large") return null;
      throw error;
    }
  }

  /**
   * Resolves with the workflow when it has ended, or with its present state when the time is over or the
   * signal aborts. Hears of ends in this process at once and looks once a second for others. Throws
   * `workflow_not_found`.
   */
  async waitForEnd(
    id: string,
    { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<WorkflowRecord> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const change = this.#nextChange(id, Math.min(1000, Math.max(1, deadline - performance.now())), signal);
      try {
        const record = await this.get(id);
        if (record.state !== "running" || performance.now() >= deadline || signal?.aborted === true)
          return record;
        await change.happened;
      } finally {
        change.stop();
      }
    }
  }

  #nextChange(id: string, maxMs: number, signal: AbortSignal | undefined) {
    const { promise: happened, resolve } = Promise.withResolvers<void>();
    const stop = (): void => {
      unsubscribe();
      clearTimeout(timer);
      signal?.removeEventListener("abort", stop);
      resolve();
    };
    const unsubscribe = this.#parts.bus.onNotice((notice) => {
      if (notice.type === "workflow.changed" && notice.data["workflow_id"] === id) stop();
    });
    const timer = setTimeout(stop, maxMs);
    signal?.addEventListener("abort", stop, { once: true });
    return { happened, stop };
  }

  #ending() {
    return { ...this.#parts, onStopping: (id: string) => this.stopSoon(id) };
  }

  /** Cancels what a workflow wants stopped; the upkeep does it later when this process does not get to it. */
  stopSoon(id: string): void {
    this.#parts.background.run("stop members of a workflow", () =>
      stopMembers({ ...this.#parts, database: this.#parts.database.background }, id),
    );
  }
}
