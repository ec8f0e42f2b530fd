import { jsonText } from "@millrace/database";
import type { Transaction } from "@millrace/database";
import { isMillraceError, newId, parseJson } from "@millrace/kernel";
import { sql } from "kysely";
import type { WriteScope } from "../write-scope.ts";
import { addMembers } from "./add-members.ts";
import { askLimitKeys } from "./ask-limit-keys.ts";
import type { LockedWorkflow, StoredCallback } from "./lock-workflows.ts";
import { readNodeOutput } from "./node-output.ts";
import type { EndedNode, Joining } from "./nodes.ts";

/**
 * Ends a workflow whose root has ended, and enqueues the job that follows: once for each end, as there is one
 * transaction that ends it.
 */
export async function finishWorkflow(scope: WriteScope, joining: Joining, root: EndedNode): Promise<void> {
  const workflow = joining.workflows.get(root.workflow_id);
  if (workflow === undefined) return;
  const state = root.is_success ? "succeeded" : workflow.is_cancelling ? "cancelled" : "failed";
  const error = {
    code: root.error_code ?? "workflow_failed",
    message: root.error_message ?? "The workflow did not succeed.",
  };
  const callback =
    state === "succeeded"
      ? await planSuccess(scope.transaction, workflow, root)
      : state === "failed" && workflow.on_failure !== null
        ? givenTo(workflow.on_failure, jsonText({ workflow_id: workflow.id, error }))
        : null;
  const callbackId = callback === null ? null : await enqueueCallback(scope, joining, workflow, callback);
  await sql`
    UPDATE workflow SET state = ${state}, finished_at = now(), callback_job_id = ${callbackId}::uuid,
           purge_at = now() + CASE WHEN ${root.is_success} THEN kept_days ELSE kept_days_otherwise END * interval '1 day',
           error_code = ${state === "failed" ? error.code : null}, error_message = ${state === "failed" ? error.message : null}
    WHERE id = ${workflow.id}`.execute(scope.transaction);
}

type Callback = { readonly callback: StoredCallback; readonly input: string };

async function planSuccess(
  transaction: Transaction,
  { id, on_success: callback }: LockedWorkflow,
  root: EndedNode,
): Promise<Callback | null> {
  if (callback === null) return null;
  if (callback.takes === "nothing") return givenTo(callback, "null");
  try {
    return givenTo(callback, await readNodeOutput(transaction, { workflow_id: id, number: root.number }));
  } catch (error) {
    // The workflow has succeeded all the same. The job says that it was given nothing.
    if (isMillraceError(error) && error.code === "workflow_result_too_large")
      return givenTo(callback, "null");
    throw error;
  }
}

function givenTo(callback: StoredCallback, given: string): Callback {
  switch (callback.takes) {
    case "nothing":
      return { callback, input: callback.input };
    case "all":
      return { callback, input: given };
    case "key":
      // Both are JSON texts, the first of an object. Of two values of a key the database takes the last.
      return {
        callback,
        input: `${callback.input.slice(0, -1)}${callback.input === "{}" ? "" : ","}${JSON.stringify(callback.takesKey)}:${given}}`,
      };
  }
}

async function enqueueCallback(
  scope: WriteScope,
  { parts }: Joining,
  workflow: LockedWorkflow,
  { callback, input }: Callback,
): Promise<string> {
  const { takes: _takes, takesKey: _takesKey, ...template } = callback;
  const task = parts.registry.findTask(template.task, template.version);
  const id = newId();
  const asked = task?.limitKey === undefined ? [] : [{ id, task, input: parseJson(input) }];
  const [limitKey = null] = await askLimitKeys(scope.transaction, asked);
  const job = { ...template, id, input, limitKey, delayMs: 0, isReady: true };
  const meta = { ...workflow.meta, workflow_id: workflow.id };
  await addMembers(scope, parts, workflow, { workflowId: null, jobs: [job], template, meta });
  return job.id;
}
