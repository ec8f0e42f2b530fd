import type { Problem } from "@millrace/contracts";

/** A refused or failed request, with the API's stable code and a text that says what to do next. */
export class ApiProblem extends Error {
  readonly code: string;
  readonly title: string;
  /** HTTP status; 0 when no answer came. */
  readonly status: number;
  readonly requestId: string | undefined;
  readonly errors: NonNullable<Problem["errors"]>;
  readonly retryAfterSeconds: number | undefined;

  constructor(options: {
    code: string;
    title: string;
    detail: string;
    status: number;
    requestId?: string | undefined;
    errors?: Problem["errors"];
    retryAfterSeconds?: number | undefined;
  }) {
    super(options.detail);
    this.name = "ApiProblem";
    this.code = options.code;
    this.title = options.title;
    this.status = options.status;
    this.requestId = options.requestId;
    this.errors = options.errors ?? [];
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

export function isApiProblem(value: unknown): value is ApiProblem {
  return value instanceof ApiProblem;
}

/** Whether sending the same again can't help: the server has looked at it and said no. */
export function isFinalRefusal(thrown: unknown): boolean {
  if (!isApiProblem(thrown)) return false;
  const { status } = thrown;
  return status >= 400 && status < 500 && status !== 401 && status !== 408 && status !== 429;
}

/** The text to show for anything thrown. */
export function problemText(thrown: unknown): string {
  if (isApiProblem(thrown) && thrown.errors.length > 0) {
    return [thrown.message, ...thrown.errors.map((error) => error.detail)].join(" ");
  }
  return thrown instanceof Error ? thrown.message : "Something went wrong. Try again.";
}

/** What an answer tells us of a failure. `body` is the text as received; it may be anything. */
export type FailedAnswer = {
  readonly status: number;
  readonly body: string;
  readonly retryAfter: string | null;
};

/** Reads problem details; answers of proxies and other strangers get a code by their status. */
export function problemFrom(answer: FailedAnswer): ApiProblem {
  const fields = readFields(answer.body);
  const seconds = answer.retryAfter === null ? Number.NaN : Number(answer.retryAfter);
  return new ApiProblem({
    code: text(fields?.code) ?? `http_${answer.status}`,
    title: text(fields?.title) ?? "Request failed",
    detail: text(fields?.detail) ?? fallbackDetail(answer.status),
    status: answer.status,
    requestId: text(fields?.request_id),
    errors: readErrors(fields?.errors),
    retryAfterSeconds: Number.isFinite(seconds) && seconds >= 0 ? seconds : undefined,
  });
}

/** No answer came: the server is down, restarting, or the network is gone. */
export function unreachableProblem(): ApiProblem {
  return new ApiProblem({
    code: "server_unreachable",
    title: "No connection to the server",
    detail:
      "The server does not answer. Check that Millrace is running and that you are online, then try again.",
    status: 0,
  });
}

function fallbackDetail(status: number): string {
  if (status === 413) return "The server refused this as too large. Send a smaller file.";
  if (status === 429) return "Too many requests. Wait a moment and try again.";
  if (status >= 500) return "The server could not do this just now. Try again in a moment.";
  return `The server answered with status ${status}. Reload the page and try again.`;
}

function readFields(body: string): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(body);
    return isRecord(parsed) ? parsed : undefined;
  } catch {
    // Not JSON: an error page of something between us and the server.
    return undefined;
  }
}

function readErrors(value: unknown): NonNullable<Problem["errors"]> {
  if (!Array.isArray(value)) return [];
  return value.filter(isRecord).flatMap((item) => {
    const detail = text(item.detail);
    if (detail === undefined) return [];
    return [{ pointer: text(item.pointer) ?? "", code: text(item.code) ?? "", detail }];
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
