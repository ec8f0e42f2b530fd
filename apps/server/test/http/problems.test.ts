import { problemSchema } from "@millrace/contracts";
import type { ErrorKind } from "@millrace/kernel";
import { MillraceError } from "@millrace/kernel";
import type { InjectOptions } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { createTestApp } from "./test-app.ts";
import type { TestApp } from "./test-app.ts";

let test: TestApp;

beforeEach(async () => {
  test = await createTestApp();
  const routes = test.app.withTypeProvider<ZodTypeProvider>();
  routes.post(
    "/api/things",
    {
      schema: {
        body: z.strictObject({ text: z.string().max(5), deep: z.strictObject({ n: z.int() }).optional() }),
      },
    },
    async (request) => request.body,
  );
  routes.get(
    "/api/things/:id",
    {
      schema: {
        params: z.object({ id: z.uuid() }),
        querystring: z.strictObject({ limit: z.coerce.number().max(9).optional() }),
      },
    },
    async () => ({ ok: true }),
  );
  routes.delete("/api/things/:id", async (_request, reply) => reply.code(204).send());
  routes.post(
    "/api/texts",
    { bodyLimit: 3_000_000, schema: { body: z.strictObject({ text: z.string() }) } },
    async () => ({}),
  );
  routes.get("/api/fails/:kind", async (request) => {
    throw new MillraceError({
      code: "some_code",
      kind: (request.params as { kind: ErrorKind }).kind,
      message: "What to do next.",
      details: { secret: "never shown" },
    });
  });
  routes.get("/api/limited", async () => {
    throw new MillraceError({ code: "slow_down", kind: "limited", message: "Wait.", retryAfterSeconds: 7.2 });
  });
  routes.get("/api/crashes", async () => {
    throw new Error("SELECT secret FROM person");
  });
  routes.get("/api/throws-text", async () => {
    // oxlint-disable-next-line typescript/only-throw-error -- what a library may do
    throw "SELECT secret";
  });
  routes.get(
    "/api/wrong-answer",
    { schema: { response: { 200: z.object({ n: z.int() }) } } },
    async () => ({ n: "secret" }) as unknown as { n: number },
  );
});

afterEach(async () => {
  await test.app.close();
});

async function problemOf(request: InjectOptions | string) {
  const response = await test.app.inject(request);
  expect(response.headers["content-type"]).toBe("application/problem+json; charset=utf-8");
  const problem = problemSchema.parse(response.json());
  expect(problem.status).toBe(response.statusCode);
  expect(problem.request_id).toBe(response.headers["x-request-id"]);
  return { status: response.statusCode, code: problem.code, problem, headers: response.headers };
}

function post(url: string, payload: string, contentType = "application/json") {
  return { method: "POST" as const, url, payload, headers: { "content-type": contentType } };
}

const id = "0190aaaa-0000-7000-8000-000000000001";

describe("problem details", () => {
  it.each([
    ["malformed", 400],
    ["unauthorized", 401],
    ["forbidden", 403],
    ["not_found", 404],
    ["conflict", 409],
    ["precondition_failed", 412],
    ["too_large", 413],
    ["unsupported", 415],
    ["invalid", 422],
    ["limited", 429],
    ["internal", 500],
    ["unavailable", 503],
  ])("answer an error of kind %s with %i and its code", async (kind, status) => {
    const answer = await problemOf(`/api/fails/${kind}`);

    expect(answer).toMatchObject({ status, code: "some_code" });
    expect(JSON.stringify(answer.problem)).not.toContain("never shown");
  });

  it("say how to authenticate on 401", async () => {
    const { headers } = await problemOf("/api/fails/unauthorized");

    expect(headers["www-authenticate"]).toBe('Bearer realm="millrace"');
  });

  it("say when to come back on 429 and 503", async () => {
    expect((await problemOf("/api/limited")).headers["retry-after"]).toBe("8");
    expect((await problemOf("/api/fails/unavailable")).headers["retry-after"]).toBe("5");
  });

  it.each(["/api/crashes", "/api/throws-text", "/api/wrong-answer", "/api/fails/internal"])(
    "leak nothing of what went wrong inside: %s",
    async (url) => {
      const { status, problem } = await problemOf(url);

      expect(status).toBe(500);
      expect(JSON.stringify(problem)).not.toMatch(/secret|SELECT|next|at .*\.ts/);
    },
  );

  it("log a surprise once, with the request id, and expected errors not at all", async () => {
    const { problem } = await problemOf("/api/crashes");
    await problemOf("/api/fails/conflict");

    const errors = test.logged().filter((line) => Number(line["level"]) >= 40);
    expect(errors).toEqual([
      expect.objectContaining({ request_id: problem.request_id, msg: "request failed" }),
    ]);
  });

  it("name every wrong field by its pointer", async () => {
    const { status, problem } = await problemOf(
      post("/api/things", '{"text":"too long","deep":{"n":1.5,"x":1},"y":2}'),
    );

    expect(status).toBe(422);
    expect(problem.code).toBe("invalid_request");
    expect(problem.errors?.map(({ pointer, code }) => [pointer, code])).toEqual([
      ["/text", "too_big"],
      ["/deep/n", "invalid_type"],
      ["/deep/x", "unknown_field"],
      ["/y", "unknown_field"],
    ]);
  });

  it("keep the list of errors short", async () => {
    const body = Object.fromEntries(Array.from({ length: 2000 }, (_unused, index) => [`field${index}`, 1]));

    const { problem } = await problemOf(post("/api/things", JSON.stringify(body)));

    expect(problem.errors).toHaveLength(50);
  });

  it.each(["limit=1e309", "limit=abc", "limit=10", "limit=1&limit=2", "unknown=1"])(
    "refuse the query %s",
    async (query) => {
      const { status, problem } = await problemOf(`/api/things/${id}?${query}`);

      expect(status).toBe(422);
      expect(problem.errors?.[0]?.pointer).toMatch(/^\/query\/(limit|unknown)$/);
    },
  );

  it.each(["{", "", '{"a":1,}', "NaN", '{"__proto__":{"x":1}}', '{"constructor":{"prototype":{"x":1}}}'])(
    "call %j malformed",
    async (payload) => {
      expect(await problemOf(post("/api/things", payload))).toMatchObject({
        status: 400,
        code: "malformed_json",
      });
    },
  );

  it("refuse a body nested 200,000 levels deep", async () => {
    const payload = `${"[".repeat(200_000)}${"]".repeat(200_000)}`;

    expect(await problemOf(post("/api/things", payload))).toMatchObject({
      status: 400,
      code: "malformed_json",
    });
  });

  it("refuse text that the database can't store", async () => {
    expect(await problemOf(post("/api/things", String.raw`{"text":"\u0000"}`))).toMatchObject({
      status: 422,
    });
    expect(await problemOf(post("/api/things", String.raw`{"text":"\ud800"}`))).toMatchObject({
      status: 422,
    });
    expect(await problemOf(`/api/things/${id}?limit=%00`)).toMatchObject({
      status: 400,
      code: "malformed_url",
    });
  });

  it.each(["text/plain", "application/x-www-form-urlencoded", "application/xml"])(
    "do not read %s",
    async (contentType) => {
      expect(await problemOf(post("/api/things", "text=1", contentType))).toMatchObject({
        status: 415,
        code: "unsupported_media_type",
      });
    },
  );

  it("do not read compressed bodies", async () => {
    const request = post("/api/things", "{}");

    expect(
      await problemOf({ ...request, headers: { ...request.headers, "content-encoding": "gzip" } }),
    ).toMatchObject({
      status: 415,
    });
  });

  it("refuse a body over 1 MiB, but not where a route allows more", async () => {
    const payload = JSON.stringify({ text: "x".repeat(2_000_000) });

    expect(await problemOf(post("/api/things", payload))).toMatchObject({
      status: 413,
      code: "body_too_large",
    });
    expect((await test.app.inject(post("/api/texts", payload))).statusCode).toBe(200);
  });

  it.each([
    `/api/things/${id}x`,
    "/api/things/5",
    "/api/things/..%2f..%2fetc",
    `/api/things/${"9".repeat(150)}`,
  ])("find nothing under an id that is none: %s", async (url) => {
    expect(await problemOf(url)).toMatchObject({ status: 404, code: "not_found" });
  });

  it.each(["/api/nothing", "/nothing", "/api/things/a/b", "/api"])("find nothing under %s", async (url) => {
    expect(await problemOf(url)).toMatchObject({ status: 404, code: "route_not_found" });
  });

  it.each([
    ["PUT", `/api/things/${id}`, "DELETE, GET, HEAD"],
    ["GET", "/api/things/", "POST"],
    ["OPTIONS", "/api/things?x=1", "POST"],
    ["POST", "/livez", "GET, HEAD"],
    ["TRACE", "/livez", "GET, HEAD"],
  ])("answer %s %s with 405 and what is allowed", async (method, url, allow) => {
    const answer = await problemOf({ method: method as "PUT", url });

    expect(answer).toMatchObject({ status: 405, code: "method_not_allowed" });
    expect(answer.headers["allow"]).toBe(allow);
  });

  it("tell where they happened without the query", async () => {
    const { problem } = await problemOf("/api/fails/conflict?q=private");

    expect(problem.instance).toBe("/api/fails/conflict");
  });

  it.each(["/%zz", "/api/things/%c3%28"])("refuse the undecodable address %s", async (url) => {
    expect(await problemOf(url)).toMatchObject({ status: 400, code: "malformed_url" });
  });
});

describe("requests", () => {
  it("tolerate a trailing slash", async () => {
    const response = await test.app.inject(`/api/things/${id}/`);

    expect(response.statusCode).toBe(200);
  });

  it("keep a caller's id that looks like one, and get a new one otherwise", async () => {
    const headerFor = async (given: string) => {
      const response = await test.app.inject({ url: "/livez", headers: { "x-request-id": given } });
      return response.headers["x-request-id"];
    };

    expect(await headerFor("0190aaaa-0000-7000-8000-000000000001")).toBe(
      "0190aaaa-0000-7000-8000-000000000001",
    );
    expect(await headerFor("short")).toMatch(/^[0-9a-f-]{36}$/);
    expect(await headerFor('{"level":50}')).toMatch(/^[0-9a-f-]{36}$/);
    expect(await headerFor("x".repeat(65))).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("are logged at debug without their query", async () => {
    await test.app.inject(`/api/things/${id}?limit=3`);

    const line = test.logged().find(({ msg }) => msg === "request answered");
    expect(line).toMatchObject({ level: 20, method: "GET", path: `/api/things/${id}`, status: 200 });
  });
});
