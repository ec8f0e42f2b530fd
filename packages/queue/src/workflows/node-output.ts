import type { WorkflowNodeKind, WorkflowNodeState, WorkflowPolicy } from "@millrace/contracts";
import type { Queryable } from "@millrace/database";
import { MillraceError } from "@millrace/kernel";
import { sql } from "kysely";
import type { NodePlace } from "./nodes.ts";
import { maxJoinedBytes } from "./workflow-errors.ts";

type Part = {
  readonly number: number;
  readonly parent: number | null;
  readonly kind: WorkflowNodeKind;
  readonly state: WorkflowNodeState;
  readonly policy: WorkflowPolicy | null;
  readonly error_code: string | null;
  readonly error_message: string | null;
  readonly task: string | null;
  readonly task_version: number | null;
  /** JSON text. */
  readonly output: string | null;
};

export type LeafOutput = { readonly task: string; readonly version: number; readonly text: string };

/** A node with the parts that its output is made of: all of a group, the last of a chain. */
const parts = ({ workflow_id, number }: NodePlace) => sql`
  WITH RECURSIVE part AS (
    SELECT number, parent, position, kind, state, policy, size, job_id, error_code, error_message FROM workflow_node
    WHERE workflow_id = ${workflow_id} AND number = ${number}
    UNION ALL
    SELECT node.number, node.parent, node.position, node.kind, node.state, node.policy, node.size, node.job_id,
           node.error_code, node.error_message
    FROM part JOIN workflow_node AS node ON node.workflow_id = ${workflow_id} AND node.parent = part.number
    WHERE part.kind IN ('group', 'map') OR node.position = part.size - 1
  )`;

/**
 * What a node that succeeded gives, as JSON text: of a job its output, of a chain that of the last part, of a
 * group the array of its parts', or their outcomes where it collects. It stays text: what jobs gave is not
 * read to be handed on. `leaf` may change what each job gave. Throws `workflow_result_too_large` beyond
 * `maxBytes`.
 */
export async function readNodeOutput(
  queryable: Queryable,
  place: NodePlace,
  {
    leaf = ({ text }) => text,
    maxBytes = maxJoinedBytes,
  }: { readonly leaf?: (output: LeafOutput) => string; readonly maxBytes?: number } = {},
): Promise<string> {
  const measured = await sql<{ bytes: number }>`
    ${parts(place)} SELECT coalesce(sum(octet_length(job.output::text)), 0)::double precision AS bytes
    FROM part JOIN job ON job.id = part.job_id WHERE part.state = 'succeeded'`.execute(queryable);
  const bytes = measured.rows[0]?.bytes ?? 0;
  if (bytes > maxBytes) throw resultTooLarge(bytes, maxBytes);
  const found = await sql<Part>`
    ${parts(place)} SELECT part.number, part.parent, part.kind, part.state, part.policy, part.error_code,
      part.error_message, job.task, job.task_version, job.output::text AS output
    FROM part LEFT JOIN job ON job.id = part.job_id AND part.state = 'succeeded'
    ORDER BY part.parent NULLS FIRST, part.position`.execute(queryable);
  const children = Map.groupBy(found.rows, ({ parent }) => parent);
  const root = found.rows.find(({ number }) => number === place.number);
  return root === undefined ? "null" : textOf(root, children, leaf);
}

function textOf(
  part: Part,
  children: ReadonlyMap<number | null, readonly Part[]>,
  leaf: (output: LeafOutput) => string,
): string {
  const own = children.get(part.number) ?? [];
  switch (part.kind) {
    case "job":
      if (part.output === null || part.task === null || part.task_version === null) return "null";
      return leaf({ task: part.task, version: part.task_version, text: part.output });
    case "chain":
    case "chord": {
      const [last] = own;
      return last === undefined ? "null" : textOf(last, children, leaf);
    }
    case "group":
    case "map": {
      const texts = own.map((member) =>
        part.policy === "collect" ? outcomeOf(member, children, leaf) : textOf(member, children, leaf),
      );
      return `[${texts.join(",")}]`;
    }
  }
}

function outcomeOf(...[part, children, leaf]: Parameters<typeof textOf>): string {
  if (part.state === "succeeded") return `{"ok":true,"value":${textOf(part, children, leaf)}}`;
  const error = {
    code: part.error_code ?? `job_${part.state}`,
    message: part.error_message ?? "It did not succeed.",
  };
  return `{"ok":false,"error":${JSON.stringify(error)}}`;
}

function resultTooLarge(bytes: number, maxBytes: number): MillraceError {
  return new MillraceError({
    code: "workflow_result_too_large",
    kind: "too_large",
    message: `The outputs that are joined have ${bytes} bytes; at most ${maxBytes} can be handed on. Let the jobs give ids of what they stored.`,
    details: { bytes, maxBytes },
  });
}
