import { sql } from "kysely";

/**
 * That a job runs, for those who look for all that do: the condition of the index job_running. Who looks
 * for a job by its id asks for its state alone, and finds it by its key.
 */
export const anyRunning = sql`job.worker_id IS NOT NULL AND job.state = 'running'`;
