import { describe, expect, it } from "vitest";
import { apiUrl, callApi } from "./client.ts";
import type { Fetch } from "./client.ts";
import { ApiProblem, problemText } from "./problem.ts";

function answering(response: Response): Fetch {
  return () => Promise.resolve(response);
}

async function failureOf(work: Promise<unknown>): Promise<ApiProblem> {
  const thrown: unknown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(ApiProblem);
  return thrown as ApiProblem;
}

describe("apiUrl", () => {
  it("leaves out parameters that are not set and escapes the others", () => {
    expect(apiUrl("/documents", { search: "a&b c", status: undefined, cursor: "" })).toBe(
      "/api/documents?search=a%26b+c",
    );
  });
});

describe("callApi", () => {
  it("gives the answer", async () => {
    const answer = await callApi("/system", {}, answering(Response.json({ version: "1" })));

    expect(answer).toEqual({ version: "1" });
  });

  it("gives undefined for an empty answer", async () => {
    const answer = await callApi(
      "/documents/1",
      { method: "DELETE" },
      answering(new Response(null, { status: 204 })),
    );

    expect(answer).toBeUndefined();
  });

  it("sends the idempotency key as a quoted string", async () => {
    let sent: RequestInit = {};
    const recording: Fetch = (_url, init) => {
      sent = init;
      return Promise.resolve(Response.json({}));
    };

    await callApi("/documents", { method: "POST", json: { text: "a" }, idempotencyKey: "k1" }, recording);

    expect(new Headers(sent.headers).get("idempotency-key")).toBe('"k1"');
  });

  it("turns problem details into a problem with code, request id and items", async () => {
    const response = Response.json(
      {
        title: "Invalid",
        detail: "The title is empty.",
        code: "invalid_request",
        request_id: "r-1",
        errors: [{ pointer: "/title", code: "too_small", detail: "Give a title." }, "noise"],
      },
      { status: 422, headers: { "content-type": "application/problem+json" } },
    );

    const problem = await failureOf(callApi("/documents", {}, answering(response)));

    expect(problem).toMatchObject({ code: "invalid_request", status: 422, requestId: "r-1" });
    expect(problemText(problem)).toBe("The title is empty. Give a title.");
  });

  it("keeps the time to wait of a limited answer", async () => {
    const response = new Response("", { status: 429, headers: { "retry-after": "7" } });

    const problem = await failureOf(callApi("/documents", {}, answering(response)));

    expect(problem).toMatchObject({ code: "http_429", retryAfterSeconds: 7 });
  });

  it("survives an error page that is not JSON", async () => {
    const response = new Response("<html>Bad gateway</html>", { status: 502 });

    const problem = await failureOf(callApi("/documents", {}, answering(response)));

    expect(problem).toMatchObject({ code: "http_502", status: 502, requestId: undefined });
  });

  it("reports a server that does not answer", async () => {
    const problem = await failureOf(callApi("/system", {}, () => Promise.reject(new TypeError("failed"))));

    expect(problem.code).toBe("server_unreachable");
  });

  it("lets the caller's own abort pass", async () => {
    const controller = new AbortController();
    controller.abort(new Error("left the page"));

    const work = callApi("/system", { signal: controller.signal }, (_url, init) =>
      Promise.reject(init.signal?.reason as Error),
    );

    await expect(work).rejects.toThrow("left the page");
  });
});
