import type {
  AnswerJob,
  EnqueueTask,
  Job,
  JobDetail,
  JobState,
  JobTree,
  LogLine,
  Page,
} from "@millrace/contracts";
import { callApi } from "../api/client.ts";

export type JobFilters = {
  readonly state?: JobState | undefined;
  readonly queue?: string | undefined;
  readonly task?: string | undefined;
  readonly tag?: string | undefined;
  /** The code of the error that it ended with. */
  readonly error?: string | undefined;
  /** Its id or name; as `search`, of the latest 10,000 jobs. */
  readonly worker?: string | undefined;
  /** Part of the task's name, of a tag or of the error. */
  readonly search?: string | undefined;
  /** Moments. */
  readonly created_after?: string | undefined;
  readonly created_before?: string | undefined;
  readonly finished_after?: string | undefined;
  readonly finished_before?: string | undefined;
};

const jobPath = (id: string) => `/jobs/${encodeURIComponent(id)}`;

export function listJobs(
  options: JobFilters & { limit: number; cursor?: string | undefined },
  signal?: AbortSignal,
): Promise<Page<Job>> {
  const { error, ...query } = options;
  return callApi("/jobs", { query: { ...query, error_code: error }, signal });
}

export function fetchJob(id: string, signal?: AbortSignal): Promise<JobDetail> {
  return callApi(jobPath(id), { signal });
}

export function fetchJobTree(id: string, signal?: AbortSignal): Promise<JobTree> {
  return callApi(`${jobPath(id)}/tree`, { signal });
}

export function listJobLog(
  id: string,
  cursor: string | undefined,
  signal?: AbortSignal,
): Promise<Page<LogLine>> {
  return callApi(`${jobPath(id)}/logs`, { query: { limit: 100, cursor }, signal });
}

export type OmittedPart = JobDetail["omitted"][number];

/** Where a part of a job is that was too large to come with it. */
export function omittedPath(id: string, part: OmittedPart): string {
  return `${jobPath(id)}/${part === "input" ? "input" : "result"}`;
}

export async function fetchOmitted(id: string, part: OmittedPart, signal?: AbortSignal): Promise<unknown> {
  return (await callApi<Partial<Record<OmittedPart, unknown>>>(omittedPath(id, part), { signal }))[part];
}

export type JobAction = "cancel" | "retry" | "force-release";

export function actOnJob(id: string, action: JobAction): Promise<Job> {
  return callApi(`${jobPath(id)}/${action}`, { method: "POST" });
}

export function answerJob(id: string, answer: AnswerJob): Promise<Job> {
  return callApi(`${jobPath(id)}/answer`, { method: "POST", json: answer });
}

export function enqueueTask(name: string, request: EnqueueTask, idempotencyKey: string): Promise<Job> {
  const path = `/tasks/${encodeURIComponent(name)}/jobs`;
  return callApi(path, { method: "POST", json: request, idempotencyKey });
}
