import type { TerminalJobState, WorkflowNodeKind, WorkflowPolicy } from "@millrace/contracts";
import type { Transaction } from "@millrace/database";
import { sql } from "kysely";
import type { EndingParts } from "../jobs/write-end.ts";
import type { WriteScope } from "../write-scope.ts";
import { finishWorkflow } from "./finish-workflow.ts";
import { lockWorkflows } from "./lock-workflows.ts";
import { endNodes } from "./nodes.ts";
import type { EndedNode, Joining, NodeEnd, NodeError, NodePlace } from "./nodes.ts";
import { releaseNodes } from "./release.ts";
import type { Release } from "./release.ts";
import { skipNodes } from "./skip.ts";
import type { SkippedNode } from "./skip.ts";
import { stopGroups } from "./stop-groups.ts";

/** A member whose end is written in the same transaction. */
export type EndedMember = {
  readonly jobId: string;
  readonly workflowId: string;
  readonly state: TerminalJobState;
  readonly error: { readonly code: string; readonly message: string } | null;
};

/**
 * Counts members that end where they belong, and does what follows: what waited for them is released with
 * their outputs, or skipped; groups, chains and the workflow end. In the transaction that ends the members, so
 * that no end is ever missed or counted twice. Their rows are locked already; many at once cost as many
 * statements as one.
 */
export async function joinEnded(
  scope: WriteScope,
  parts: EndingParts,
  members: readonly EndedMember[],
): Promise<void> {
  if (members.length === 0) return;
  const workflows = await lockWorkflows(
    scope.transaction,
    members.map(({ workflowId }) => workflowId),
  );
  const joining: Joining = { parts, workflows };
  await advance(scope, joining, await endMembers(scope.transaction, members));
  tellChanged(scope, joining);
}

/** Goes on until nothing has ended that was not counted: each round is one level of the tree. */
export async function advance(
  scope: WriteScope,
  joining: Joining,
  ended: readonly EndedNode[],
): Promise<void> {
  for (let frontier = ended; frontier.length > 0;) {
    for (const node of frontier) if (node.parent === null) await finishWorkflow(scope, joining, node);
    const counted = await countParts(scope.transaction, frontier);
    const stopped = await stopGroups(scope, joining, counted.filter(isToStop));
    const next = counted.map((node) => whatFollows(node, stopped));
    await skipNodes(
      scope,
      joining,
      next.flatMap(({ skip }) => skip),
    );
    frontier = [
      ...(await endNodes(
        scope.transaction,
        next.flatMap(({ end }) => end),
      )),
      ...(await releaseNodes(
        scope,
        joining,
        next.flatMap(({ release }) => release),
      )),
    ];
  }
}

/** Those who watch read again; there are no numbered events of workflows. */
export function tellChanged(scope: WriteScope, { parts, workflows }: Joining): void {
  scope.afterCommit(() => {
    for (const { id, owner } of workflows.values()) {
      parts.bus.publishNotice({
        topic: "workspace",
        owner,
        type: "workflow.changed",
        data: { workflow_id: id },
      });
    }
  });
}

const defaultErrors: Partial<Record<TerminalJobState, { code: string; message: string }>> = {
  cancelled: { code: "job_cancelled", message: "A job of the workflow was cancelled." },
  expired: { code: "job_expired", message: "A job of the workflow was not started in time." },
};

/** Gives those that something waits for now. One that somebody cancels before its turn is looked at when that comes. */
async function endMembers(transaction: Transaction, members: readonly EndedMember[]): Promise<EndedNode[]> {
  const each = <Value>(value: (member: EndedMember) => Value): Value[] => members.map(value);
  const errors = members.map(({ state, error }) => error ?? defaultErrors[state] ?? null);
  const nodeStates = each(({ state }) => (state === "expired" ? "failed" : state));
  const ended = await sql<EndedNode & { readonly was_running: boolean }>`
    WITH given AS MATERIALIZED (
      SELECT * FROM unnest(
        ${each(({ jobId }) => jobId)}::uuid[], ${each(({ workflowId }) => workflowId)}::uuid[], ${nodeStates}::text[],
        ${errors.map((error) => error?.code ?? null)}::text[], ${errors.map((error) => error?.message ?? null)}::text[]
      ) AS given (job_id, workflow_id, state, error_code, error_message)
    ), counted AS (
      UPDATE workflow SET ended_jobs = workflow.ended_jobs + sum.ended, failed_jobs = workflow.failed_jobs + sum.failed
      FROM (SELECT workflow_id, count(*) AS ended, count(*) FILTER (WHERE state <> 'succeeded') AS failed
            FROM given GROUP BY workflow_id) AS sum
      WHERE workflow.id = sum.workflow_id
    )
    UPDATE workflow_node AS node SET error_code = given.error_code, error_message = given.error_message,
           state = CASE old.state WHEN 'blocked' THEN 'skipped' ELSE given.state END
    FROM given JOIN workflow_node AS old ON old.job_id = given.job_id
    WHERE node.workflow_id = old.workflow_id AND node.number = old.number
    RETURNING node.workflow_id, node.number, node.parent, node.position, node.state = 'succeeded' AS is_success,
      node.error_code, node.error_message, old.state = 'running' AS was_running`.execute(transaction);
  return ended.rows.filter((row) => row.was_running);
}

type CountedNode = NodePlace &
  NodeError & {
    readonly parent: number | null;
    readonly position: number;
    readonly kind: WorkflowNodeKind;
    readonly policy: WorkflowPolicy | null;
    readonly size: number;
    readonly remaining: number;
    readonly unsuccessful: number;
    readonly is_stopping: boolean;
    /** None of its parts had ended without success since it began, or was opened again. */
    readonly was_sound: boolean;
    /** Parts that ended now without success. */
    readonly new_unsuccessful: number;
    /** The part of a chain that ended now. */
    readonly last_position: number;
    readonly last_number: number;
  };

/** What ends with only old failures, which somebody did not retry, has the error of the first of them. */
async function countParts(transaction: Transaction, ended: readonly EndedNode[]): Promise<CountedNode[]> {
  const parts = ended.filter(({ parent }) => parent !== null);
  if (parts.length === 0) return [];
  const each = <Value>(value: (node: EndedNode) => Value): Value[] => parts.map(value);
  const counted = await sql<CountedNode>`
    UPDATE workflow_node AS node SET remaining = node.remaining - sum.ended, unsuccessful = node.unsuccessful + sum.unsuccessful,
           error_code = coalesce(node.error_code, sum.error_code, earlier.error_code),
           error_message = coalesce(node.error_message, sum.error_message, earlier.error_message)
    FROM (
      SELECT workflow_id, parent, count(*) AS ended, count(*) FILTER (WHERE NOT is_success) AS unsuccessful,
             (array_agg(error_code) FILTER (WHERE error_code IS NOT NULL))[1] AS error_code,
             (array_agg(error_message) FILTER (WHERE error_code IS NOT NULL))[1] AS error_message,
             max(position) AS last_position, max(number) AS last_number
      FROM unnest(
        ${each((node) => node.workflow_id)}::uuid[], ${each(({ parent }) => parent)}::integer[],
        ${each(({ number }) => number)}::integer[], ${each(({ position }) => position)}::integer[],
        ${each((node) => node.is_success)}::boolean[], ${each((node) => node.error_code)}::text[],
        ${each((node) => node.error_message)}::text[]
      ) AS part (workflow_id, parent, number, position, is_success, error_code, error_message)
      GROUP BY workflow_id, parent
    ) AS sum
    JOIN workflow_node AS old ON old.workflow_id = sum.workflow_id AND old.number = sum.parent
    LEFT JOIN LATERAL (
      SELECT part.error_code, part.error_message FROM workflow_node AS part
      WHERE old.error_code IS NULL AND old.unsuccessful > 0 AND old.remaining = sum.ended AND sum.unsuccessful = 0
        AND part.workflow_id = sum.workflow_id AND part.parent = sum.parent AND part.error_code IS NOT NULL
      ORDER BY part.position LIMIT 1
    ) AS earlier ON true
    WHERE node.workflow_id = sum.workflow_id AND node.number = sum.parent AND node.state = 'running'
    RETURNING node.workflow_id, node.number, node.parent, node.position, node.kind, node.policy, node.size, node.remaining,
      node.unsuccessful, node.is_stopping, node.error_code, node.error_message, old.error_code IS NULL AS was_sound,
      sum.unsuccessful AS new_unsuccessful, sum.last_position, sum.last_number`.execute(transaction);
  return counted.rows;
}

const isSequence = ({ kind }: CountedNode): boolean => kind === "chain" || kind === "chord";

/**
 * Its first part has failed while others run. What failed before it was opened again stops nothing: whoever
 * retries one part after another would have those that he has just retried stopped.
 */
function isToStop(node: CountedNode): boolean {
  const isFirstFailure = node.new_unsuccessful > 0 && node.was_sound;
  return !isSequence(node) && node.policy === "stop" && node.remaining > 0 && isFirstFailure;
}

type Following = {
  readonly end: readonly NodeEnd[];
  readonly release: readonly Release[];
  readonly skip: readonly SkippedNode[];
};

const nothing: Following = { end: [], release: [], skip: [] };

function whatFollows(node: CountedNode, stopped: ReadonlySet<string>): Following {
  const { workflow_id, number, error_code, error_message } = node;
  const isStopping = node.is_stopping || stopped.has(placeKey(node));
  const place = { workflow_id, number };
  const succeeded: NodeEnd = { ...place, state: "succeeded", error_code: null, error_message: null };
  const other: NodeEnd = {
    ...place,
    state: isStopping ? "cancelled" : "failed",
    error_code,
    error_message,
  };
  if (isSequence(node)) {
    const next = node.last_position + 1;
    if (node.unsuccessful === 0 && next === node.size) return { ...nothing, end: [succeeded] };
    if (node.unsuccessful === 0 && !isStopping) {
      return { ...nothing, release: [{ ...place, position: next, source: node.last_number }] };
    }
    return { ...nothing, end: [other], skip: [{ ...place, from: next }] };
  }
  if (node.remaining > 0) return nothing;
  const isSuccess = node.unsuccessful === 0 || (node.policy === "collect" && !isStopping);
  return { ...nothing, end: [isSuccess ? succeeded : other] };
}

export function placeKey({ workflow_id, number }: NodePlace): string {
  return `${workflow_id} ${number}`;
}
