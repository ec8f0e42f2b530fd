import { MillraceError } from "@millrace/kernel";

export function jobNotFound(id: string): MillraceError {
  return new MillraceError({
    code: "job_not_found",
    kind: "not_found",
    message: "There is no such job. It may have been removed after its retention time.",
    details: { id },
  });
}

export function alreadyFinished(id: string, state: string): MillraceError {
  return new MillraceError({
    code: "already_finished",
    kind: "conflict",
    message: `This job has already ended (${state}); there is nothing to cancel.`,
    details: { id, state },
  });
}

export function notRetryable(id: string, state: string): MillraceError {
  return new MillraceError({
    code: "job_not_ended",
    kind: "conflict",
    message: `Only a failed, cancelled or expired job can be retried; this one is ${state}.`,
    details: { id, state },
  });
}

/** Many at once: with these states nothing could be done with any job. */
export function statesNotFit(action: "retried" | "cancelled", states: readonly string[]): MillraceError {
  const fitting = action === "retried" ? "failed, cancelled and expired" : "not yet ended";
  return new MillraceError({
    code: "states_not_fit",
    kind: "invalid",
    message: `Jobs that are ${states.join(" or ")} can't be ${action}: only ${fitting} ones can. Leave the state out, or name another.`,
    details: { states: states.join(",") },
  });
}

export function jobCountMismatch(expected: number, count: number): MillraceError {
  return new MillraceError({
    code: "job_count_mismatch",
    kind: "conflict",
    message: `The filter fits ${count} jobs, not ${expected}. Nothing was done: look at them again, and repeat with the new number.`,
    details: { expected, count },
  });
}

export function invalidInput(task: string, cause: unknown): MillraceError {
  return new MillraceError({
    code: "invalid_job_input",
    kind: "invalid",
    message: `The input does not fit the schema of task ${task}.`,
    cause,
  });
}

export function invalidJobOption(option: string, given: unknown, expected: string): MillraceError {
  return new MillraceError({
    code: "invalid_job_option",
    kind: "invalid",
    message: `${option} of a job can't be ${String(given)}. Give ${expected}.`,
    details: { option, given: String(given) },
  });
}

export function idempotencyKeyReused(id: string): MillraceError {
  return new MillraceError({
    code: "idempotency_key_reused",
    kind: "conflict",
    message: "This idempotency key was used for a job with another input. Use a new key for new work.",
    details: { id },
  });
}

export function jobIdTaken(id: string): MillraceError {
  return new MillraceError({
    code: "job_id_taken",
    kind: "conflict",
    message: "There is a job with this id already. Leave the id out to get a new one.",
    details: { id },
  });
}

/** A job of the task with the same unique key came between. */
export function jobIsPending(id: string): MillraceError {
  return new MillraceError({
    code: "job_is_pending",
    kind: "conflict",
    message: "Another job of this task with the same unique key is pending. Wait for it, or cancel it first.",
    details: { id },
  });
}

export function jobNotFinished(id: string, state: string): MillraceError {
  return new MillraceError({
    code: "job_not_finished",
    kind: "unavailable",
    retryable: true,
    message: `The job has not ended yet (${state}). It goes on; ask for its result later.`,
    details: { id, state },
  });
}

/** `job_failed`, `job_cancelled` or `job_expired`: what a caller who wanted the result is told. */
export function jobNotSucceeded(job: {
  readonly id: string;
  readonly state: string;
  readonly error_code: string | null;
  readonly error_message: string | null;
}): MillraceError {
  const why = job.error_message === null ? "" : ` ${job.error_message}`;
  return new MillraceError({
    code: `job_${job.state}`,
    kind: "conflict",
    message: `The job has no result: it ${job.state === "failed" ? "failed" : `was ${job.state}`}.${why}`,
    details: { id: job.id, state: job.state, error_code: job.error_code },
  });
}

/** The attempt no longer holds the job: another claim, a reap or a cancel came between. */
export function nestedTransaction(id: string): MillraceError {
  return new MillraceError({
    code: "nested_transaction",
    kind: "invalid",
    message:
      "A step, a child, a wait or another transaction of this job was asked for within its transaction, whose end it would have to wait for. Use the scope that the transaction gives, or do it before or after.",
    details: { id },
  });
}

export function leaseLost(id: string): MillraceError {
  return new MillraceError({
    code: "lease_lost",
    kind: "conflict",
    message: "This attempt no longer holds its job; its write was refused.",
    details: { id },
  });
}

export const jobCrashedWorker = {
  code: "job_crashed_worker",
  message: "The worker died three times while it ran this job alone. Look at its log before you retry it.",
} as const;

export const jobTimedOut = {
  code: "job_timed_out",
  message: "The job took longer than its time limit.",
} as const;

export function timedOut(): MillraceError {
  return new MillraceError({ ...jobTimedOut, kind: "unavailable", retryable: true });
}

/** What was asked of a broker needs its server, which is away. */
export function brokerUnavailable(broker: string, cause: unknown): MillraceError {
  return new MillraceError({
    code: "broker_unavailable",
    kind: "unavailable",
    retryable: true,
    message: `${broker} does not answer. Jobs run without it, by the poll; try again when it is there.`,
    cause,
  });
}

/** Says nothing of the address itself: it may hold a password. */
export function invalidBrokerUrl(): MillraceError {
  return new MillraceError({
    code: "invalid_broker_url",
    kind: "invalid",
    message:
      "BROKER_URL is not the address of a broker. Give redis://host:6379 (rediss:// with TLS), amqp://user:password@host:5672 (amqps:// with TLS) or postgres://…, or leave it out: hints then go by the database.",
  });
}

export function databaseBrokerNeedsServer(): MillraceError {
  return new MillraceError({
    code: "broker_needs_database_server",
    kind: "invalid",
    message:
      "BROKER_URL names PostgreSQL, but the database is the embedded one. Set DATABASE_URL too, or leave BROKER_URL out: a single process needs no broker.",
  });
}

export function invalidReserves(
  reserves: Readonly<Record<string, number>>,
  concurrency: number,
): MillraceError {
  const wanted = Object.entries(reserves).map(([queue, reserve]) => `${queue}:${reserve}`);
  return new MillraceError({
    code: "invalid_reserves",
    kind: "invalid",
    message: `The worker has ${concurrency} slots and can't keep ${wanted.join(", ")} for single queues: each must be a queue that it serves, and every queue must have a slot left. Give it more slots, or keep fewer.`,
  });
}
