import { jsonText } from "@millrace/database";
import { traceMembers } from "../observe/spans.ts";
import type { EndingParts } from "../jobs/write-end.ts";
import type { WriteScope } from "../write-scope.ts";
import type { JobTemplate } from "./compile.ts";
import type { LockedWorkflow } from "./lock-workflows.ts";
import { tellWritten } from "./tell-written.ts";
import { writeMembers } from "./write-members.ts";
import type { MemberJob } from "./write-members.ts";

type AddedJobs = {
  /** Null for a job that follows the workflow's end. */
  readonly workflowId: string | null;
  readonly jobs: readonly MemberJob[];
  /** Of all of them. */
  readonly template: JobTemplate;
  readonly meta: object;
};

/** Writes jobs that come of a workflow after its start, in one span of its trace, and tells of them after the commit. */
export async function addMembers(
  scope: WriteScope,
  parts: EndingParts,
  { id, owner, tags, trace_parent }: LockedWorkflow,
  { workflowId, jobs, template, meta }: AddedJobs,
): Promise<void> {
  const traced = { id, job: template, count: jobs.length, traceParent: trace_parent };
  await traceMembers(traced, async (traceParent) => {
    await writeMembers(scope.transaction, jobs, {
      workflowId,
      owner,
      tags,
      meta: jsonText(meta),
      traceParent,
    });
    tellWritten(scope, parts, jobs, { owner, traceParent });
  });
}
