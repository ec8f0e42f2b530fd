import { isMillraceError } from "@millrace/kernel";

/** What the command line's exit codes mean; part of its contract. */
export const exitCodes = {
  ok: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  unauthorized: 4,
  timedOut: 5,
  jobFailed: 6,
  /** A process that holds more memory than it may, and is to be started again. */
  restart: 75,
  interrupted: 130,
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** Failures of how a command was called or set up, not of what it did. */
const usageCodes: ReadonlySet<string> = new Set([
  "invalid_settings",
  "invalid_config",
  "invalid_arguments",
  "folder_given",
  "database_url_missing",
  "token_required",
  "broker_needs_database_server",
]);

/** The exit code that tells of a failure. */
export function exitCodeOf(error: unknown): ExitCode {
  if (!isMillraceError(error)) return exitCodes.failed;
  if (usageCodes.has(error.code)) return exitCodes.usage;
  if (error.code === "wait_timed_out") return exitCodes.timedOut;
  if (error.code === "interrupted") return exitCodes.interrupted;
  if (error.kind === "unauthorized" || error.kind === "forbidden") return exitCodes.unauthorized;
  return error.kind === "not_found" ? exitCodes.notFound : exitCodes.failed;
}

/** What a run over several things ends with: the highest number of theirs. */
export function worstExitCode(codes: Iterable<ExitCode>): ExitCode {
  let worst: ExitCode = exitCodes.ok;
  for (const code of codes) if (code > worst) worst = code;
  return worst;
}
