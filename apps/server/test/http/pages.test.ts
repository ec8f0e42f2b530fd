import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createTestApp, token } from "./test-app.ts";

const page =
  '<!doctype html><head><meta name="csp-nonce" content=""><script src="/assets/index-AbCd1234.js"></script></head>';

let directory: string;
let app: FastifyInstance;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "millrace-web-"));
  const web = join(directory, "dist");
  await mkdir(join(web, "assets"), { recursive: true });
  await writeFile(join(directory, "outside.txt"), "not for the web");
  await writeFile(join(web, "index.html"), page);
  await writeFile(join(web, "favicon.svg"), "<svg/>");
  await writeFile(join(web, ".env"), "SECRET=1");
  await writeFile(join(web, "assets", "index-AbCd1234.js"), "console.log(1)");
  await writeFile(join(web, "assets", "plain.txt"), "x");
  ({ app } = await createTestApp({ webDirectory: web, environment: { MILLRACE_TOKEN: token } }));
  app.get("/api/crashes", { config: { access: "public" } }, async () => {
    throw new Error("broken");
  });
});

afterEach(async () => {
  await app.close();
  await rm(directory, { recursive: true, force: true });
});

const html = { accept: "text/html,application/xhtml+xml,*/*;q=0.8" };

describe("security headers", () => {
  it.each([
    ["/", 200],
    ["/documents/1", 200],
    ["/favicon.svg", 200],
    ["/assets/index-AbCd1234.js", 200],
    ["/assets/missing.js", 404],
    ["/livez", 200],
    ["/readyz", 200],
    ["/api/session", 200],
    ["/api/nothing", 401],
    ["/api/crashes", 500],
    ["/%zz", 400],
  ])("are on %s (%i)", async (url, status) => {
    const response = await app.inject({ url, headers: html });

    const { headers } = response;
    expect(response.statusCode).toBe(status);
    expect(headers["x-request-id"]).toMatch(/^[0-9a-f-]{36}$/);
    expect({
      csp: String(headers["content-security-policy"])
        .replace(/'nonce-[\w+/=]{24}'/, "'nonce'")
        .replace(" 'nonce'", ""),
      sniff: headers["x-content-type-options"],
      frame: headers["x-frame-options"],
      referrer: headers["referrer-policy"],
      opener: headers["cross-origin-opener-policy"],
      resource: headers["cross-origin-resource-policy"],
      permissions: headers["permissions-policy"],
      hsts: headers["strict-transport-security"],
    }).toEqual({
      csp: "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self' blob:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
      sniff: "nosniff",
      frame: "DENY",
      referrer: "no-referrer",
      opener: "same-origin",
      resource: "same-origin",
      permissions: "camera=(), geolocation=(), microphone=()",
      hsts: undefined,
    });
  });

  it("ask for https when the public address is https", async () => {
    const secure = await createTestApp({
      environment: { MILLRACE_TOKEN: token, PUBLIC_URL: "https://millrace.example.org" },
    });

    const response = await secure.app.inject("/livez");

    expect(response.headers["strict-transport-security"]).toBe("max-age=31536000");
    await secure.app.close();
  });
});

describe("the browser app", () => {
  it("gets a new nonce in page and policy each time", async () => {
    const first = await app.inject({ url: "/", headers: html });
    const second = await app.inject({ url: "/", headers: html });

    const nonceOf = (body: string) => /name="csp-nonce" content="([\w+/=]{24})"/.exec(body)?.[1];
    expect(nonceOf(first.body)).toBeDefined();
    expect(first.headers["content-security-policy"]).toContain(
      `style-src 'self' 'nonce-${nonceOf(first.body)}'`,
    );
    expect(nonceOf(first.body)).not.toBe(nonceOf(second.body));
    expect(first.body.replace(nonceOf(first.body)!, "")).toBe(page);
  });

  it.each(["/", "/documents/0190aaaa", "/search?q=x", "/monitor/", "/index.html"])(
    "opens on its own path %s",
    async (url) => {
      const response = await app.inject({ url, headers: html });

      expect(response.statusCode).toBe(200);
      expect(response.headers["content-type"]).toBe("text/html; charset=utf-8");
      expect(response.headers["cache-control"]).toBe("no-cache");
    },
  );

  it.each([
    ["GET", "/api/documents/nothing", html],
    ["GET", "/api", html],
    ["GET", "/ws/nothing", html],
    ["GET", "/documents/1", { accept: "application/json" }],
    ["GET", "/documents/1", {}],
    ["POST", "/documents/1", html],
    ["GET", "/assets/missing.js", { accept: "*/*" }],
  ])("is not the answer to %s %s with %j", async (method, url, headers) => {
    const response = await app.inject({
      method: method as "GET",
      url,
      headers: { ...headers, authorization: `Bearer ${token}` },
    });

    expect(response.statusCode).toBe(404);
    expect(response.json()).toMatchObject({ code: "route_not_found" });
  });

  it("keeps hashed files for ever and asks about others each time", async () => {
    const hashed = await app.inject("/assets/index-AbCd1234.js");
    const plain = await app.inject("/assets/plain.txt");
    const icon = await app.inject("/favicon.svg");

    expect(hashed.headers["cache-control"]).toBe("public, max-age=31536000, immutable");
    expect(hashed.headers["content-type"]).toMatch(/javascript/);
    expect(plain.headers["cache-control"]).toBe("no-cache");
    expect(plain.headers["etag"]).toBeDefined();
    expect(icon.headers["content-type"]).toBe("image/svg+xml");
  });

  it.each([
    "/assets/../../outside.txt",
    "/assets/..%2f..%2foutside.txt",
    "/assets/%2e%2e/%2e%2e/outside.txt",
    "/assets/..%5c..%5coutside.txt",
    "/assets/%2fetc%2fpasswd",
    "/.env",
    "/assets/../.env",
    "/assets/",
    "/assets",
  ])("serves nothing outside its folder: %s", async (url) => {
    const response = await app.inject(url);

    expect([400, 403, 404]).toContain(response.statusCode);
    expect(response.body).not.toMatch(/not for the web|SECRET|root:/);
    expect(response.headers["content-type"]).toBe("application/problem+json; charset=utf-8");
  });

  it("is replaced by a page that says how to build it", async () => {
    const bare = await createTestApp({});

    const response = await bare.app.inject({ url: "/", headers: html });

    expect(response.statusCode).toBe(503);
    expect(response.body).toContain("npm run build");
    await bare.app.close();
  });
});

describe("problems beside the browser app", () => {
  it("are problem details, also of routes made before the app's files were", async () => {
    const response = await app.inject({
      method: "POST",
      url: "/api/session",
      headers: { host: "localhost" },
      payload: { token: "not-the-token-of-this-server" },
    });

    expect(response.statusCode).toBe(401);
    expect(response.headers["content-type"]).toContain("application/problem+json");
  });
});
