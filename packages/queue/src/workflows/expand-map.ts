import { jsonText } from "@millrace/database";
import { newId, parseJson } from "@millrace/kernel";
import { sql } from "kysely";
import type { WriteScope } from "../write-scope.ts";
import { addMembers } from "./add-members.ts";
import { askLimitKeys } from "./ask-limit-keys.ts";
import type { PlannedNode } from "./compile.ts";
import type { Joining, NodeEnd } from "./nodes.ts";
import type { ReachedNode } from "./release.ts";
import { maxWorkflowJobs, workflowTooLarge } from "./workflow-errors.ts";
import { writeNodes } from "./write-nodes.ts";

/** Makes a job for each element of what goes before a map. Gives its end, if there is nothing to run. */
export async function expandMap(
  scope: WriteScope,
  { parts, workflows }: Joining,
  node: ReachedNode,
  given: string,
): Promise<NodeEnd[]> {
  const { transaction } = scope;
  const { workflow_id, number, template } = node;
  const workflow = workflows.get(workflow_id);
  if (workflow === undefined || template === null) throw new Error("a map has no workflow or no template");
  const items = parseJson(given);
  const end = (error: { code: string; message: string } | null): NodeEnd[] => [
    {
      workflow_id,
      number,
      state: error === null ? "succeeded" : "failed",
      error_code: error?.code ?? null,
      error_message: error?.message ?? null,
    },
  ];
  if (!Array.isArray(items)) {
    const message = `${template.task} can't be mapped: what goes before it gave no array.`;
    return end({ code: "workflow_map_not_array", message });
  }
  if (items.length === 0) return end(null);
  const total = (await countJobs(scope, workflow_id)) + items.length;
  if (total > maxWorkflowJobs) return end(workflowTooLarge(total));

  const task = parts.registry.findTask(template.task, template.version);
  const asked = items.map((input: unknown) => ({ id: newId(), task, input }));
  const limitKeys = await askLimitKeys(transaction, asked);
  const jobs = asked.map(({ id, input }, nth) => ({
    ...template,
    id,
    input: jsonText(input),
    limitKey: limitKeys[nth] ?? null,
    delayMs: 0,
    isReady: true,
  }));
  const first = await takeNumbers(scope, workflow_id, jobs.length);
  await writeNodes(
    transaction,
    workflow_id,
    jobs.map((job, position): PlannedNode => ({
      number: first + position,
      parent: number,
      position,
      kind: "job",
      policy: null,
      size: 0,
      isFirst: true,
      takes: "nothing",
      takesKey: null,
      job,
      template: null,
    })),
  );
  const { meta } = workflow;
  await addMembers(scope, parts, workflow, { workflowId: workflow_id, jobs, template, meta });
  await sql`
    UPDATE workflow_node SET size = ${jobs.length}, remaining = ${jobs.length}
    WHERE workflow_id = ${workflow_id} AND number = ${number}`.execute(transaction);
  return [];
}

/** As it is now: another map of the same join may have got its jobs since the row was locked. */
async function countJobs({ transaction }: WriteScope, workflowId: string): Promise<number> {
  const found = await sql<{ total: number }>`
    SELECT total_jobs AS total FROM workflow WHERE id = ${workflowId}`.execute(transaction);
  return found.rows[0]?.total ?? 0;
}

/** The numbers of new nodes, and their jobs counted in. */
async function takeNumbers({ transaction }: WriteScope, workflowId: string, count: number): Promise<number> {
  await sql`UPDATE workflow SET total_jobs = total_jobs + ${count} WHERE id = ${workflowId}`.execute(
    transaction,
  );
  const found = await sql<{ last: number }>`
    SELECT max(number) AS last FROM workflow_node WHERE workflow_id = ${workflowId}`.execute(transaction);
  return (found.rows[0]?.last ?? 0) + 1;
}
