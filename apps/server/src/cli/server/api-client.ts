import { problemSchema } from "@millrace/contracts";
import { isMillraceError, MillraceError, parseJson } from "@millrace/kernel";
import type { ErrorKind } from "@millrace/kernel";
import type { z } from "zod";
import { serverNotReachable, unexpectedAnswer } from "../errors.ts";

export type ApiRequest = {
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: FormData | string;
  readonly signal?: AbortSignal | undefined;
};

/** Speaks to a running server. Its refusals come as errors with the server's own codes. */
export type ApiClient = {
  readonly url: string;
  /**
   * Sends and checks the answer against the schema. Throws the server's problem, `server_not_reachable`
   * or `unexpected_answer`; with an aborted signal, the signal's reason.
   */
  readonly call: <Schema extends z.ZodType>(
    path: string,
    schema: Schema,
    request?: ApiRequest,
  ) => Promise<z.output<Schema>>;
  /** The response of a success with its body unread. Throws as `call` does. */
  readonly open: (path: string, request?: ApiRequest) => Promise<Response>;
};

/** Does not connect yet. The token goes to this server only. */
export function createApiClient(options: {
  readonly url: string;
  readonly token: string | undefined;
}): ApiClient {
  const base = options.url.replace(/\/+$/, "");
  const open = async (path: string, request: ApiRequest = {}): Promise<Response> => {
    const { method = "GET", signal, body } = request;
    const url = new URL(`${base}${path}`);
    for (const [name, value] of Object.entries(request.query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const headers = {
      ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
      ...(typeof body === "string" ? { "content-type": "application/json" } : {}),
      ...request.headers,
    };
    const response = await fetch(url, {
      method,
      headers,
      ...(body === undefined ? {} : { body }),
      ...(signal === undefined ? {} : { signal }),
    }).catch((error: unknown) => {
      signal?.throwIfAborted();
      throw serverNotReachable(base, error);
    });
    if (response.ok) return response;
    throw await problemOf(response, base);
  };
  const call: ApiClient["call"] = async (path, schema, request) => {
    const response = await open(path, request);
    const text = await readBody(response, base, request?.signal);
    const answer = schema.safeParse(text === "" ? null : parseAnswer(text, base));
    if (answer.success) return answer.data;
    throw unexpectedAnswer(base, "its data has another form", answer.error);
  };
  return { url: base, open, call };
}

async function readBody(response: Response, base: string, signal?: AbortSignal): Promise<string> {
  try {
    return await response.text();
  } catch (error) {
    signal?.throwIfAborted();
    throw serverNotReachable(base, error);
  }
}

function parseAnswer(text: string, base: string): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    throw unexpectedAnswer(base, "not JSON", error);
  }
}

const kindByStatus: ReadonlyMap<number, ErrorKind> = new Map([
  [400, "malformed"],
  [401, "unauthorized"],
  [403, "forbidden"],
  [404, "not_found"],
  [409, "conflict"],
  [412, "precondition_failed"],
  [413, "too_large"],
  [415, "unsupported"],
  [422, "invalid"],
  [429, "limited"],
]);

async function problemOf(response: Response, base: string): Promise<MillraceError> {
  const text = await readBody(response, base).catch(() => "");
  const problem = problemSchema.safeParse(parseAnswerOrNothing(text));
  if (!problem.success) return unexpectedAnswer(base, `status ${response.status}`);
  const { code, detail, errors = [], request_id: requestId, count } = problem.data;
  const retryAfter = Number(response.headers.get("retry-after") ?? Number.NaN);
  return new MillraceError({
    code,
    kind: kindByStatus.get(response.status) ?? (response.status === 503 ? "unavailable" : "internal"),
    message: code === "unauthorized" ? `${detail} Set MILLRACE_TOKEN to the key of ${base}.` : detail,
    items: errors.map((item) => ({ pointer: item.pointer, code: item.code, message: item.detail })),
    details: { request_id: requestId, ...(count === undefined ? {} : { count }) },
    retryable: response.status === 429 || response.status === 503,
    ...(Number.isFinite(retryAfter) ? { retryAfterSeconds: retryAfter } : {}),
  });
}

function parseAnswerOrNothing(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    // A page of a proxy, most likely; its status says enough.
    return undefined;
  }
}

/** Whether the same request may get through when sent again: a lost connection, a restart, a limit. */
export function mayPass(error: unknown): boolean {
  return isMillraceError(error) && (error.retryable || error.code === "server_not_reachable");
}
