import { problemFrom, unreachableProblem } from "./problem.ts";

export type QueryParameters = Readonly<Record<string, string | number | undefined>>;

export type ApiRequest = {
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly query?: QueryParameters;
  readonly json?: unknown;
  readonly signal?: AbortSignal | undefined;
  /** Makes a repeated POST of the same thing safe. */
  readonly idempotencyKey?: string;
};

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** `/api` + path + query, without parameters that are not set. */
export function apiUrl(path: string, query: QueryParameters = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== "") parameters.set(name, String(value));
  }
  const text = parameters.toString();
  return `/api${path}${text === "" ? "" : `?${text}`}`;
}

/**
 * One request to the API. Throws an ApiProblem when the server refuses or does not answer; an abort
 * by the caller passes through as it is. The answer's shape is the server's promise (it validates
 * what it sends), so it is not parsed a second time here.
 */
export async function callApi<Answer>(
  path: string,
  request: ApiRequest = {},
  fetchImplementation: Fetch = (url, init) => fetch(url, init),
): Promise<Answer> {
  const headers: Record<string, string> = { accept: "application/json" };
  if (request.json !== undefined) headers["content-type"] = "application/json";
  if (request.idempotencyKey !== undefined) headers["idempotency-key"] = `"${request.idempotencyKey}"`;
  const response = await send(apiUrl(path, request.query), fetchImplementation, {
    method: request.method ?? "GET",
    headers,
    credentials: "same-origin",
    ...(request.json === undefined ? {} : { body: JSON.stringify(request.json) }),
    ...(request.signal === undefined ? {} : { signal: request.signal }),
  });
  const body = await response.text();
  if (!response.ok) {
    throw problemFrom({ status: response.status, body, retryAfter: response.headers.get("retry-after") });
  }
  return (body === "" ? undefined : JSON.parse(body)) as Answer;
}

async function send(url: string, fetchImplementation: Fetch, init: RequestInit): Promise<Response> {
  try {
    return await fetchImplementation(url, init);
  } catch (error) {
    if (init.signal?.aborted === true) throw error;
    throw unreachableProblem();
  }
}
