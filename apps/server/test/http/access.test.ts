import { parseSettings } from "@millrace/kernel";
import type { FastifyInstance } from "fastify";
import { afterEach, describe, expect, it } from "vitest";
import { serverSettingsSchema } from "../../src/http/settings.ts";
import { createTestApp, token } from "./test-app.ts";
import type { TestApp } from "./test-app.ts";

const opened: FastifyInstance[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((app) => app.close()));
});

async function appWith(environment: Readonly<Record<string, string>>): Promise<TestApp> {
  const test = await createTestApp({ environment });
  opened.push(test.app);
  test.app.get("/api/secret", async (request) => test.access.authenticate(request));
  test.app.post("/api/secret", async () => ({ done: true }));
  test.app.get("/api/open", { config: { access: "public" } }, async () => ({ open: true }));
  test.app.get("/outside", async () => ({ outside: true }));
  return test;
}

const withToken = { MILLRACE_TOKEN: token };

async function signIn(app: FastifyInstance, given = token) {
  const response = await app.inject({ method: "POST", url: "/api/session", payload: { token: given } });
  const cookie = response.cookies[0];
  return { response, cookie, header: cookie === undefined ? "" : `${cookie.name}=${cookie.value}` };
}

describe("without a token", () => {
  it("acts for the local person", async () => {
    const { app } = await appWith({});

    const response = await app.inject("/api/secret");

    expect(response.json()).toEqual({
      workspaceId: "00000000-0000-7000-8000-000000000001",
      personId: "00000000-0000-7000-8000-000000000002",
    });
  });

  it("needs no session", async () => {
    const { app } = await appWith({});

    expect((await app.inject("/api/session")).json()).toEqual({ required: false, signed_in: true });
  });

  it.each(["/api/secret", "/livez", "/", "/nothing", "/openapi.json"])(
    "answers nothing under a foreign name, not even %s",
    async (url) => {
      const { app } = await appWith({});

      const response = await app.inject({ url, headers: { host: "evil.example:8000" } });

      expect(response.statusCode).toBe(403);
      expect(response.json()).toMatchObject({ code: "host_not_allowed" });
    },
  );

  it.each([
    { origin: "http://evil.example" },
    { origin: "null" },
    { origin: "http://localhost:3000" },
    { "sec-fetch-site": "cross-site" },
  ])("refuses changes that a page of another site asks for: %j", async (headers) => {
    const { app } = await appWith({});

    const response = await app.inject({
      method: "POST",
      url: "/api/secret",
      headers: { host: "localhost:8000", "content-type": "text/plain", ...headers },
      payload: "x",
    });

    expect(response.statusCode).toBe(403);
    expect(response.json()).toMatchObject({ code: "cross_origin_request" });
  });

  it("accepts changes from its own page and from programs", async () => {
    const { app } = await appWith({});
    const host = "localhost:8000";

    const own = await app.inject({
      method: "POST",
      url: "/api/secret",
      headers: { host, origin: `http://${host}` },
    });
    const program = await app.inject({ method: "POST", url: "/api/secret", headers: { host } });

    expect([own.statusCode, program.statusCode]).toEqual([200, 200]);
  });

  it("gives no permission to other origins", async () => {
    const { app } = await appWith({});

    const response = await app.inject({ url: "/api/secret", headers: { origin: "http://evil.example" } });
    const preflight = await app.inject({
      method: "OPTIONS",
      url: "/api/secret",
      headers: { origin: "http://evil.example", "access-control-request-method": "POST" },
    });

    expect(Object.keys(response.headers).filter((header) => header.startsWith("access-control"))).toEqual([]);
    expect(preflight.statusCode).toBe(405);
  });
});

describe("with a token", () => {
  it.each([
    "/api/secret",
    "/api/secret/",
    "/%61pi/secret",
    "/api/nothing",
    "/%61pi/nothing/../secret",
    "/ws/nothing",
    "/outside",
    "/metrics",
    "/openapi.json",
  ])("shows strangers nothing of %s", async (url) => {
    const { app } = await appWith(withToken);

    const response = await app.inject(url);

    expect([401, 404]).toContain(response.statusCode);
    expect(["unauthorized", "route_not_found"]).toContain(response.json<{ code: string }>().code);
  });

  it.each(["/api/secret", "/api/nothing", "/ws/nothing", "/outside", "/metrics", "/openapi.json"])(
    "answers 401 with how to authenticate for %s",
    async (url) => {
      const { app } = await appWith(withToken);

      const response = await app.inject(url);

      expect(response.statusCode).toBe(401);
      expect(response.headers["www-authenticate"]).toBe('Bearer realm="millrace"');
    },
  );

  it.each(["/api/open", "/livez", "/healthz", "/readyz", "/api/session", "/"])(
    "leaves %s open",
    async (url) => {
      const { app } = await appWith(withToken);

      expect((await app.inject(url)).statusCode).not.toBe(401);
    },
  );

  it.each([
    [`Bearer ${token}`, 200],
    [`bearer ${token}`, 200],
    [`Bearer ${token}x`, 401],
    [`Bearer ${token.slice(1)}`, 401],
    ["Bearer", 401],
    ["Bearer ", 401],
    [`Basic ${token}`, 401],
    [token, 401],
    ["", 401],
  ])("answers Authorization %j with %i", async (authorization, status) => {
    const { app } = await appWith(withToken);

    expect((await app.inject({ url: "/api/secret", headers: { authorization } })).statusCode).toBe(status);
  });

  it("takes no token from the address", async () => {
    const { app } = await appWith(withToken);

    expect((await app.inject(`/api/secret?token=${token}`)).statusCode).toBe(401);
  });

  it("answers under any name, since the name proves nothing then", async () => {
    const { app } = await appWith({ ...withToken, HOST: "0.0.0.0" });

    const headers = { host: "anything.example", authorization: `Bearer ${token}` };
    expect((await app.inject({ url: "/api/secret", headers })).statusCode).toBe(200);
  });

  it("does not care about the origin of who has the token", async () => {
    const { app } = await appWith(withToken);

    const headers = { authorization: `Bearer ${token}`, origin: "http://elsewhere.example" };
    expect((await app.inject({ method: "POST", url: "/api/secret", headers })).statusCode).toBe(200);
  });
});

describe("a browser session", () => {
  it("is opened by the token, kept in a cookie that scripts can't read, and closed again", async () => {
    const { app } = await appWith(withToken);

    const { response, cookie, header } = await signIn(app);
    const origin = { cookie: header, host: "localhost", origin: "http://localhost" };

    expect(response.json()).toEqual({ required: true, signed_in: true });
    expect(cookie).toMatchObject({
      name: "millrace_session",
      httpOnly: true,
      sameSite: "Lax",
      path: "/",
      maxAge: 604_800,
    });
    expect(cookie?.secure).toBeUndefined();
    expect((await app.inject({ url: "/api/secret", headers: { cookie: header } })).statusCode).toBe(200);
    expect((await app.inject({ url: "/api/session", headers: { cookie: header } })).json()).toEqual({
      required: true,
      signed_in: true,
    });

    const ended = await app.inject({ method: "DELETE", url: "/api/session", headers: origin });

    expect(ended.json()).toEqual({ required: true, signed_in: false });
    expect(ended.cookies[0]).toMatchObject({ name: "millrace_session", value: "" });
    expect((await app.inject({ url: "/api/secret", headers: { cookie: header } })).statusCode).toBe(401);
  });

  it("has a secure cookie bound to the host when the public address is https", async () => {
    const { app } = await appWith({ ...withToken, PUBLIC_URL: "https://millrace.example.org" });

    const { cookie } = await signIn(app);

    expect(cookie).toMatchObject({ name: "__Host-millrace", secure: true, path: "/" });
    expect(cookie?.domain).toBeUndefined();
  });

  it("changes nothing without a sign of where the request comes from", async () => {
    const { app } = await appWith(withToken);
    const { header } = await signIn(app);
    const send = (headers: Record<string, string>) =>
      app.inject({
        method: "POST",
        url: "/api/secret",
        headers: { host: "localhost:8000", cookie: header, ...headers },
      });

    expect((await send({})).statusCode).toBe(403);
    expect((await send({ origin: "http://evil.example" })).statusCode).toBe(403);
    expect((await send({ "sec-fetch-site": "same-site" })).statusCode).toBe(403);
    expect((await send({ "sec-fetch-site": "same-origin" })).statusCode).toBe(200);
    expect((await send({ origin: "http://localhost:8000" })).statusCode).toBe(200);
  });

  it("does not make a wrong bearer token good", async () => {
    const { app } = await appWith(withToken);
    const { header } = await signIn(app);

    const headers = { cookie: header, authorization: "Bearer wrong" };
    expect((await app.inject({ url: "/api/secret", headers })).statusCode).toBe(401);
  });

  it("can't be opened from another site", async () => {
    const { app } = await appWith(withToken);

    const response = await app.inject({
      method: "POST",
      url: "/api/session",
      headers: { origin: "http://evil.example" },
      payload: { token },
    });

    expect(response.statusCode).toBe(403);
    expect(response.cookies).toEqual([]);
  });

  it("is not given for a wrong token, and after ten of them not at once for the right one", async () => {
    const { app } = await appWith(withToken);

    for (let attempt = 0; attempt < 10; attempt += 1) {
      const { response, cookie } = await signIn(app, `${token}x`);
      expect(response.statusCode).toBe(401);
      expect(response.json()).toMatchObject({ code: "invalid_token" });
      expect(cookie).toBeUndefined();
    }
    const { response } = await signIn(app);

    expect(response.statusCode).toBe(429);
    expect(response.json()).toMatchObject({ code: "too_many_attempts" });
    expect(Number(response.headers["retry-after"])).toBeGreaterThan(0);
  });

  it("is given to others while somebody behind the same trusted proxy tries wrong tokens", async () => {
    const { app } = await appWith({ ...withToken, TRUSTED_PROXIES: "loopback, 10.0.0.0/8" });
    const signInFrom = (address: string, given: string) =>
      app.inject({
        method: "POST",
        url: "/api/session",
        // What a client says of itself stands before what the proxy says of it.
        headers: { "x-forwarded-for": `192.0.2.1, ${address}` },
        payload: { token: given },
      });

    for (let attempt = 0; attempt < 10; attempt += 1) await signInFrom("203.0.113.9", `${token}x`);

    expect((await signInFrom("203.0.113.9", token)).statusCode).toBe(429);
    expect((await signInFrom("198.51.100.7", token)).statusCode).toBe(200);
  });

  it("does not believe addresses that nobody vouches for", async () => {
    const { app } = await appWith(withToken);
    const headers = (nth: number) => ({ "x-forwarded-for": `203.0.113.${nth}` });
    const payload = { token: `${token}x` };

    for (let nth = 0; nth < 10; nth += 1)
      await app.inject({ method: "POST", url: "/api/session", headers: headers(nth), payload });

    expect((await signIn(app)).response.statusCode).toBe(429);
  });

  it.each(["not-an-address", "10.0.0.0/33", "10.0.0.0/8/8", "*"])(
    "refuses proxies that are none: %j",
    (given) => {
      expect(() => parseSettings(serverSettingsSchema, { TRUSTED_PROXIES: given })).toThrow(
        "TRUSTED_PROXIES",
      );
    },
  );

  it.each(["__proto__", "x".repeat(513)])("refuses a request that is none: %#", async (given) => {
    const { app } = await appWith(withToken);

    const response = await app.inject({
      method: "POST",
      url: "/api/session",
      payload: { token: given, extra: 1 },
    });

    expect(response.statusCode).toBe(422);
  });
});
