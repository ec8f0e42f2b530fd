import type { FastifyInstance } from "fastify";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sendWithEtag } from "../../src/http/etag.ts";
import { readIdempotency, replayResponse, requestFingerprint } from "../../src/http/idempotency.ts";
import { createTestApp } from "./test-app.ts";

let app: FastifyInstance;

beforeEach(async () => {
  ({ app } = await createTestApp());
});

afterEach(async () => {
  await app.close();
});

describe("a repeated request", () => {
  const route = "POST /api/things/:id";
  const stored = {
    fingerprint: requestFingerprint(route, { text: "a" }),
    status: 202,
    headers: { location: "/api/jobs/1", "retry-after": "2" },
    body: { id: "1", since_removed: true },
  };

  beforeEach(() => {
    app.post("/api/things/:id", async (request, reply) => {
      const idempotency = readIdempotency(request, request.body as { text: string });
      if (idempotency === undefined) return { replayed: false };
      return replayResponse(reply, { request: idempotency, stored });
    });
  });

  const send = (payload: object, headers: Record<string, string>) =>
    app.inject({ method: "POST", url: "/api/things/5", headers, payload });

  it("gets the stored response again, marked as such", async () => {
    const response = await send({ text: "a" }, { "idempotency-key": '"k1"' });

    expect(response.statusCode).toBe(202);
    expect(response.headers).toMatchObject({
      location: "/api/jobs/1",
      "retry-after": "2",
      "idempotent-replayed": "true",
      "content-type": "application/json; charset=utf-8",
    });
    expect(response.json()).toEqual(stored.body);
  });

  it("with another content is refused", async () => {
    const response = await send({ text: "b" }, { "idempotency-key": '"k1"' });

    expect([response.statusCode, response.json<{ code: string }>().code]).toEqual([
      422,
      "idempotency_key_reused",
    ]);
  });

  it("with an unusable key is refused", async () => {
    const response = await send({ text: "a" }, { "idempotency-key": "x".repeat(300) });

    expect([response.statusCode, response.json<{ code: string }>().code]).toEqual([
      422,
      "invalid_idempotency_key",
    ]);
  });

  it("without a key is a new one", async () => {
    expect((await send({ text: "a" }, {})).json()).toEqual({ replayed: false });
  });
});

describe("a response with an entity tag", () => {
  it("is sent once and then confirmed without a body", async () => {
    app.get("/api/thing", (request, reply) => sendWithEtag(request, reply, { n: 1 }));

    const first = await app.inject("/api/thing");
    const second = await app.inject({
      url: "/api/thing",
      headers: { "if-none-match": String(first.headers["etag"]) },
    });

    expect(first.json()).toEqual({ n: 1 });
    expect(first.headers["cache-control"]).toBe("private, no-cache");
    expect([second.statusCode, second.body]).toEqual([304, ""]);
    expect(second.headers["etag"]).toBe(first.headers["etag"]);
  });
});
