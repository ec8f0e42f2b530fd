import type { WorkflowNodeState } from "@millrace/contracts";
import { isMillraceError } from "@millrace/kernel";
import { sql } from "kysely";
import type { WriteScope } from "../write-scope.ts";
import type { JobTemplate } from "./compile.ts";
import { expandMap } from "./expand-map.ts";
import { readNodeOutput } from "./node-output.ts";
import { endNodes } from "./nodes.ts";
import type { EndedNode, Joining, NodeEnd, NodeRow } from "./nodes.ts";
import { releaseJobs } from "./release-jobs.ts";
import { cancelBlocked } from "./skip.ts";

/** The part of a chain whose turn it is, and the node whose output it is given. */
export type Release = {
  readonly workflow_id: string;
  /** The chain. */
  readonly number: number;
  readonly position: number;
  readonly source: number;
};

export type ReachedNode = NodeRow & {
  readonly source: number;
  readonly job_id: string | null;
  readonly takes: "nothing" | "all" | "key";
  readonly takes_key: string | null;
  readonly template: JobTemplate | null;
};

/**
 * Starts parts whose turn it is: their first jobs go to their queues with the output that goes before them,
 * maps get their jobs. Gives what has ended with that: empty groups, what somebody cancelled before its turn, and
 * what can't be given its input.
 */
export async function releaseNodes(
  scope: WriteScope,
  joining: Joining,
  releases: readonly Release[],
): Promise<EndedNode[]> {
  if (releases.length === 0) return [];
  const reached = await reachNodes(scope, releases);
  const blocked = reached.filter(({ state }) => state === "blocked");
  const ended = reached.filter(({ state }) => state !== "blocked").map(asUnsuccessful);
  const empty = blocked.filter(({ kind, size }) => kind === "group" && size === 0).map(succeeded);
  ended.push(...(await endNodes(scope.transaction, empty)));
  for (const nodes of bySource(blocked)) ended.push(...(await give(scope, joining, nodes)));
  return ended;
}

/** What a release reaches: from a chain its first part, from a group all. As they were before. */
async function reachNodes({ transaction }: WriteScope, releases: readonly Release[]): Promise<ReachedNode[]> {
  const reached = await sql<ReachedNode & { readonly state: WorkflowNodeState }>`
    WITH RECURSIVE reached AS (
      SELECT node.workflow_id, node.number, node.kind, given.source
      FROM unnest(
        ${releases.map((release) => release.workflow_id)}::uuid[], ${releases.map(({ number }) => number)}::integer[],
        ${releases.map(({ position }) => position)}::integer[], ${releases.map(({ source }) => source)}::integer[]
      ) AS given (workflow_id, parent, position, source)
      JOIN workflow_node AS node ON node.workflow_id = given.workflow_id AND node.parent = given.parent
        AND node.position = given.position
      UNION ALL
      SELECT node.workflow_id, node.number, node.kind, reached.source FROM reached
      JOIN workflow_node AS node ON node.workflow_id = reached.workflow_id AND node.parent = reached.number
      WHERE reached.kind = 'group' OR (reached.kind IN ('chain', 'chord') AND node.position = 0)
    ), moved AS (
      UPDATE workflow_node AS node SET state = 'running', remaining = node.size, unsuccessful = 0 FROM reached
      WHERE node.workflow_id = reached.workflow_id AND node.number = reached.number AND node.state = 'blocked'
    )
    SELECT node.workflow_id, node.number, node.parent, node.position, node.kind, node.state, node.policy, node.size,
           node.is_stopping, node.error_code, node.error_message, node.job_id, node.takes, node.takes_key, node.template,
           reached.source
    FROM reached JOIN workflow_node AS node ON node.workflow_id = reached.workflow_id AND node.number = reached.number
    ORDER BY node.workflow_id, node.number`.execute(transaction);
  return reached.rows;
}

function bySource(nodes: readonly ReachedNode[]): ReachedNode[][] {
  const waiting = nodes.filter(({ kind }) => kind === "job" || kind === "map");
  return [...Map.groupBy(waiting, ({ workflow_id, source }) => `${workflow_id} ${source}`).values()];
}

/** Gives nodes the output of what goes before them, which is the same for all of these. */
async function give(
  scope: WriteScope,
  joining: Joining,
  nodes: readonly ReachedNode[],
): Promise<EndedNode[]> {
  const [first] = nodes;
  if (first === undefined) return [];
  const { transaction } = scope;
  const isAsked = nodes.some(({ kind, takes }) => kind === "map" || takes !== "nothing");
  const source = { workflow_id: first.workflow_id, number: first.source };
  const text = isAsked ? await readNodeOutput(transaction, source).catch(asTooLarge) : "null";
  if (typeof text !== "string") {
    await cancelBlocked(
      scope,
      joining,
      nodes.flatMap(({ job_id }) => (job_id === null ? [] : [job_id])),
    );
    return await endNodes(
      transaction,
      nodes.map((node) => ungiven(node, text)),
    );
  }
  await releaseJobs(
    scope,
    joining,
    nodes.filter(({ kind }) => kind === "job"),
    text,
  );
  const ended: NodeEnd[] = [];
  for (const node of nodes) {
    if (node.kind === "map") ended.push(...(await expandMap(scope, joining, node, text)));
  }
  return await endNodes(transaction, ended);
}

type Failure = { readonly code: string; readonly message: string };

function asTooLarge(error: unknown): Failure {
  if (isMillraceError(error) && error.code === "workflow_result_too_large") {
    return { code: error.code, message: error.message };
  }
  throw error;
}

function succeeded({ workflow_id, number }: ReachedNode): NodeEnd {
  return { workflow_id, number, state: "succeeded", error_code: null, error_message: null };
}

/** A job is not tried again with nothing to run with: for a retry it is one that never ran. */
function ungiven({ workflow_id, number, kind }: ReachedNode, { code, message }: Failure): NodeEnd {
  const state = kind === "job" ? "skipped" : "failed";
  return { workflow_id, number, state, error_code: code, error_message: message };
}

/** It ended before its turn. */
function asUnsuccessful(node: ReachedNode): EndedNode {
  const { workflow_id, number, parent, position, error_code, error_message } = node;
  return { workflow_id, number, parent, position, is_success: false, error_code, error_message };
}
