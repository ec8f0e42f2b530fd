import { errorCode } from "@millrace/kernel";
import type { Queue, WriteScope } from "@millrace/queue";

/** Cancels a job in the caller's transaction, unless it has ended by itself or its history has been forgotten. */
export async function cancelIfOpen(queue: Queue, scope: WriteScope, jobId: string): Promise<void> {
  try {
    await queue.cancel(scope, jobId);
  } catch (error) {
    if (!["already_finished", "job_not_found"].includes(errorCode(error))) throw error;
  }
}
