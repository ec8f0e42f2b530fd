import { documentSchema, isSettled, isTerminal, jobSchema } from "@millrace/contracts";
import type { Document, DocumentStatus, JobDetail, TerminalJobState } from "@millrace/contracts";
import { waitFor } from "@millrace/testing";
import { expect } from "vitest";
import type { Flow } from "./flow.ts";

const statusesByEnd: Readonly<Record<TerminalJobState, readonly DocumentStatus[]>> = {
  succeeded: ["completed", "partial"],
  failed: ["failed"],
  cancelled: ["cancelled"],
  expired: ["failed"],
};

/** Waits until no job is open, and then checks that everything stored agrees with everything else. */
export async function expectConsistency(flow: Flow, timeoutMs = 90_000): Promise<void> {
  await waitFor(
    async () => {
      const jobs = await flow.listAll("/api/jobs", jobSchema);
      return jobs.every((job) => isTerminal(job.state));
    },
    { describe: "every job to end", timeoutMs, intervalMs: 250 },
  );
  const documents = await flow.listAll("/api/documents", documentSchema);
  const trash = await flow.listAll("/api/documents?trashed=true", documentSchema);
  const problems: string[] = [];
  for (const document of trash) {
    const job = await flow.job(document.job_id);
    problems.push(...problemsOf(document, job).map((problem) => `${document.id} in the trash: ${problem}`));
  }
  for (const document of documents) {
    const job = await flow.job(document.job_id);
    problems.push(...problemsOf(document, job).map((problem) => `${document.id}: ${problem}`));
    const numbers = (await flow.events(document.id)).map((event) => event.seq);
    if (numbers.some((seq, index) => seq !== index + 1)) {
      problems.push(`${document.id}: events are numbered ${numbers.join(" ")}`);
    }
  }
  expect(problems).toEqual([]);
  const withFile = [...documents, ...trash].filter(({ file_name: name }) => name !== null);
  // Equal bytes are one file.
  expect(await flow.storedFiles()).toBe(new Set(withFile.map((document) => document.content_hash)).size);
  expect(await flow.leftovers()).toEqual([]);
}

function problemsOf(document: Document, job: JobDetail): string[] {
  const problems: string[] = [];
  const { status } = document;
  const parts = Object.values(document.parts);
  const check = (isFine: boolean, problem: string): void => {
    if (!isFine) problems.push(problem);
  };
  check(
    isTerminal(job.state) && statusesByEnd[job.state].includes(status),
    `${status}, but its job ${job.state}`,
  );
  check((job.finished_at !== null) === isTerminal(job.state), "finished_at does not fit the job's state");
  check(isSettled(status), `still ${status}`);
  check(document.processing_completed_at !== null, "ended without a time");
  check((status === "failed") === (document.processing_error_code !== null), "an error where none belongs");
  check(!parts.includes("running"), "a part runs after the end");
  const isMade = parts.every((state) => state === "done" || state === "unavailable");
  check(status !== "completed" || isMade, "completed with parts that are not made");
  check(
    job.attempts.every((attempt) => attempt.outcome !== null),
    "an attempt was never closed",
  );
  check(
    job.attempts.filter((attempt) => attempt.outcome === "succeeded").length <= 1,
    "two attempts succeeded",
  );
  return problems;
}
