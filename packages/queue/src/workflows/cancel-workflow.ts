import { sql } from "kysely";
import type { EndingParts } from "../jobs/write-end.ts";
import type { WriteScope } from "../write-scope.ts";
import { tellChanged } from "./join.ts";
import { lockWorkflows } from "./lock-workflows.ts";
import type { Joining } from "./nodes.ts";
import { skipNodes } from "./skip.ts";
import { stopGroups } from "./stop-groups.ts";
import { workflowFinished, workflowNotFound } from "./workflow-errors.ts";

const root = 1;

/**
 * Stops a whole workflow in the caller's transaction: what is blocked ends now, and nothing is released any
 * more. Jobs that are queued or run end soon after the commit, see `stopMembers`, and the workflow with the
 * last of them. Twice is the same as once. Throws `workflow_not_found`, or `already_finished`.
 */
export async function cancelWorkflow(
  scope: WriteScope,
  parts: EndingParts,
  id: string,
): Promise<"cancelled" | "cancelling"> {
  const { transaction } = scope;
  const workflows = await lockWorkflows(transaction, [id]);
  const workflow = workflows.get(id);
  if (workflow === undefined) throw workflowNotFound(id);
  if (workflow.state === "cancelled") return "cancelled";
  if (workflow.state !== "running") throw workflowFinished(id, workflow.state);
  if (workflow.is_cancelling) return "cancelling";
  await sql`UPDATE workflow SET cancel_requested_at = now() WHERE id = ${id}`.execute(transaction);
  await sql`
    UPDATE workflow_node SET is_stopping = true WHERE workflow_id = ${id} AND number = ${root}`.execute(
    transaction,
  );
  const joining: Joining = { parts, workflows };
  const place = { workflow_id: id, number: root };
  await stopGroups(scope, joining, [place]);
  await skipNodes(scope, joining, [{ ...place, from: 0 }]);
  tellChanged(scope, joining);
  return "cancelling";
}
