import { jobDetailSchema } from "@millrace/contracts";
import type { Job, JobDetail } from "@millrace/contracts";
import type { ApiClient } from "./server/api-client.ts";
import { writeJson } from "./write-json.ts";

export function jobPath(id: string): string {
  return `/api/jobs/${encodeURIComponent(id)}`;
}

export function getJob(client: ApiClient, id: string): Promise<JobDetail> {
  return client.call(jobPath(id), jobDetailSchema);
}

/** How a job stands after a command has changed it. */
export function tellJob(job: Job, { json }: { readonly json?: true | undefined }): void {
  if (json) writeJson(job);
  else process.stderr.write(`Job ${job.id} is ${job.display_state}\n`);
}
