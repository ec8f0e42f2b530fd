import { createHash } from "node:crypto";
import { jsonText } from "@millrace/database";
import type { Transaction } from "@millrace/database";
import { newId } from "@millrace/kernel";
import { sql } from "kysely";
import { invalidJobOption } from "../errors.ts";
import type { EndingParts } from "../jobs/write-end.ts";
import { traceMembers } from "../observe/spans.ts";
import { currentTraceParent } from "../observe/trace-context.ts";
import type { WriteScope } from "../write-scope.ts";
import { checkDelay, compileFlow, planCallback } from "./compile.ts";
import type { PlannedNode, PlannedWorkflow } from "./compile.ts";
import type { Flow, WholeFlow } from "./flow.ts";
import { WholeFlow as Whole } from "./flow.ts";
import { advance } from "./join.ts";
import { lockWorkflows } from "./lock-workflows.ts";
import { endNodes } from "./nodes.ts";
import { tellWritten } from "./tell-written.ts";
import { workflowKeyReused } from "./workflow-errors.ts";
import { writeMembers } from "./write-members.ts";
import type { MemberJob } from "./write-members.ts";
import { writeNodes } from "./write-nodes.ts";

export type WorkflowOptions = {
  /** For whom it is done; opaque to the queue. Default none. Its jobs are the owner's too. */
  readonly owner?: string;
  /** What people know it by; several may have the same. */
  readonly name?: string;
  /** Of the workflow and of each of its jobs. */
  readonly tags?: readonly string[];
  readonly meta?: Readonly<Record<string, unknown>>;
  /** 0 to 9, 9 first, of jobs that have none of their own. Default: the task's. */
  readonly priority?: number;
  /** Earliest start of the first jobs, in milliseconds from now. Default 0. */
  readonly delayMs?: number;
  /**
   * The caller's name for this request, per owner: asking again with it gives the workflow that is there, and
   * `idempotency_key_reused` when the flow differs. At most 255 characters.
   */
  readonly idempotencyKey?: string;
  /** W3C trace context of the caller. Default: the one that is active. */
  readonly traceParent?: string | null;
};

/** A flow that nothing needs to go before. */
export type StartableFlow<Output> = Flow<undefined, Output> | WholeFlow<undefined, Output>;

const maxKeyCharacters = 255;

/**
 * Writes a workflow and all of its jobs in the caller's transaction: those that nothing goes before are queued,
 * the others blocked. Gives its id, or that of the one that is there with the same idempotency key.
 */
export async function startWorkflow<Output>(
  scope: WriteScope,
  parts: EndingParts,
  flow: StartableFlow<Output>,
  options: WorkflowOptions,
): Promise<string> {
  const plan = compileFlow(parts.registry, flow.node, options);
  const id = newId();
  const callers = options.traceParent ?? currentTraceParent();
  return await traceMembers({ id, count: plan.jobs, traceParent: callers }, (traceParent) =>
    writeWorkflow(scope, parts, { id, flow, plan, options, traceParent }),
  );
}

type NewWorkflow<Output> = {
  readonly id: string;
  readonly flow: StartableFlow<Output>;
  readonly plan: PlannedWorkflow;
  readonly options: WorkflowOptions;
  readonly traceParent: string | null;
};

async function writeWorkflow<Output>(
  scope: WriteScope,
  parts: EndingParts,
  workflow: NewWorkflow<Output>,
): Promise<string> {
  const { transaction } = scope;
  const { id, plan, options, traceParent } = workflow;
  const knownId = await insertWorkflow(transaction, parts, workflow);
  if (knownId !== undefined) return knownId;
  const { owner = null, tags = [], meta = {} } = options;
  const jobs = plan.nodes.flatMap((node) => memberOf(node, checkDelay(options.delayMs ?? 0)));
  await writeNodes(transaction, id, plan.nodes);
  await writeMembers(transaction, jobs, { workflowId: id, owner, tags, meta: jsonText(meta), traceParent });
  tellWritten(scope, parts, jobs, { owner, traceParent });
  scope.afterCommit(() => {
    parts.bus.publishNotice({
      topic: "workspace",
      owner,
      type: "workflow.changed",
      data: { workflow_id: id },
    });
  });
  const empty = plan.nodes.filter(({ kind, size, isFirst }) => kind === "group" && size === 0 && isFirst);
  if (empty.length === 0) return id;
  const ended = await endNodes(
    transaction,
    empty.map(({ number }) => ({
      workflow_id: id,
      number,
      state: "succeeded",
      error_code: null,
      error_message: null,
    })),
  );
  await advance(scope, { parts, workflows: await lockWorkflows(transaction, [id]) }, ended);
  return id;
}

function memberOf({ job, isFirst }: PlannedNode, delayMs: number): MemberJob[] {
  if (job === null) return [];
  return [{ ...job, isReady: isFirst, delayMs: isFirst ? Math.max(job.delayMs, delayMs) : job.delayMs }];
}

const maxTries = 3;

/** Undefined when it was written, else the one that is there with the same key. */
async function insertWorkflow<Output>(
  transaction: Transaction,
  { registry }: EndingParts,
  { id, flow, plan, options, traceParent }: NewWorkflow<Output>,
): Promise<string | undefined> {
  const { owner = null, name = null, tags = [], meta = {}, idempotencyKey: key = null } = options;
  checkKey(key);
  const callbacks = flow instanceof Whole ? flow.callbacks : {};
  const success =
    callbacks.success === undefined ? null : jsonText(planCallback(registry, callbacks.success));
  const failure =
    callbacks.failure === undefined ? null : jsonText(planCallback(registry, callbacks.failure));
  const fingerprint = createHash("sha256")
    .update(JSON.stringify([plan.fingerprint, success, failure]))
    .digest("hex");
  for (let tries = 0; tries < maxTries; tries++) {
    const written = await sql`
      INSERT INTO workflow (id, name, owner, idempotency_key, fingerprint, tags, meta, total_jobs, on_success, on_failure,
                            priority, trace_parent, kept_days, kept_days_otherwise)
      VALUES (${id}, ${name}, ${owner}, ${key}, ${fingerprint}, ${[...tags]}::text[], ${jsonText(meta)}::jsonb, ${plan.jobs},
              ${success}::jsonb, ${failure}::jsonb, ${options.priority ?? null},
              ${traceParent}, ${plan.keptDays.succeeded}, ${plan.keptDays.otherwise})
      ON CONFLICT (coalesce(owner, ''), idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
      RETURNING id`.execute(transaction);
    if (written.rows.length > 0) return undefined;
    const found = await sql<{ id: string; fingerprint: string }>`
      SELECT id, fingerprint FROM workflow
      WHERE coalesce(owner, '') = ${owner ?? ""} AND idempotency_key = ${key}`.execute(transaction);
    const [known] = found.rows;
    // It was purged between the two looks.
    if (known === undefined) continue;
    if (known.fingerprint !== fingerprint) throw workflowKeyReused(known.id);
    return known.id;
  }
  throw new Error("a workflow with this idempotency key comes and goes");
}

function checkKey(key: string | null): void {
  if (key === null) return;
  if (key.length > maxKeyCharacters || key.includes("\0") || !key.isWellFormed()) {
    throw invalidJobOption("idempotencyKey", key, `at most ${maxKeyCharacters} characters`);
  }
}
