import { MillraceError } from "@millrace/kernel";

/** The job's process was ended because it held more memory than its task allows. */
export function jobOutOfMemory(ceilingMegabytes: number): MillraceError {
  return new MillraceError({
    code: "job_out_of_memory",
    kind: "limited",
    message:
      `The job's process needed more than ${ceilingMegabytes} MB of memory, the ceiling of its task. ` +
      "Give the task a higher isolation.memoryMegabytes, or let it hold less at a time.",
    details: { ceilingMegabytes },
    // Another try may meet less data, or a child that holds less to begin with.
    retryable: true,
  });
}

/** What is stored of an attempt that ended with a process in which other jobs had been before. */
export function sharedProcessDied(ended: string): { readonly code: string; readonly message: string } {
  return {
    code: "job_process_died",
    message: `The job's process died (${ended}). Other jobs had been in it, so the job is not blamed: it runs alone next.`,
  };
}
