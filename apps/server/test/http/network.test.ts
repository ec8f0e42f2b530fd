import type { AddressInfo } from "node:net";
import { errorCode, silentLogger } from "@millrace/kernel";
import type { FastifyInstance } from "fastify";
import { afterEach, describe, expect, it } from "vitest";
import { Registry } from "prom-client";
import { WebSocket } from "ws";
import { createAccessControl } from "../../src/http/access.ts";
import { createHealthApp } from "../../src/http/app.ts";
import { createHttpService } from "../../src/http/http-service.ts";
import type { HttpTimeouts } from "../../src/http/request-guards.ts";
import { serverSettingsSchema } from "../../src/http/settings.ts";
import { openRawClient } from "./raw-client.ts";
import { createTestApp, token } from "./test-app.ts";

const opened: FastifyInstance[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((app) => app.close()));
});

async function listening(
  options: { readonly environment?: Readonly<Record<string, string>>; readonly timeouts?: HttpTimeouts } = {},
): Promise<number> {
  const { app } = await createTestApp(options);
  opened.push(app);
  app.post("/api/echo", async (request) => request.body);
  app.register(async (scope) => {
    scope.get("/api/ws", { websocket: true }, (socket) => {
      socket.on("message", (message: Buffer) => {
        socket.send(message.toString());
      });
    });
  });
  await app.listen({ host: "127.0.0.1", port: 0 });
  return (app.server.address() as AddressInfo).port;
}

const short: HttpTimeouts = { headersMs: 60, bodyGraceMs: 60_000, lingerMs: 10_000 };

describe("a connection", () => {
  it("whose headers never end is closed with 408", async () => {
    const client = await openRawClient(await listening({ timeouts: short }));

    client.send("GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Slow: ");

    expect(await client.closed()).toMatch(/^HTTP\/1\.1 408 [^]*"code":"request_timeout"/);
  });

  it("whose body never ends is closed", async () => {
    const timeouts = { ...short, headersMs: 15_000, bodyGraceMs: 50 };
    const client = await openRawClient(await listening({ timeouts }));

    client.send(
      "POST /api/echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n{",
    );

    expect(await client.closed()).toBe("");
  });

  it("that goes on sending after its answer is closed, once the answer had time to arrive", async () => {
    const timeouts = { ...short, headersMs: 15_000, lingerMs: 50 };
    const client = await openRawClient(await listening({ timeouts, environment: { MILLRACE_TOKEN: token } }));

    client.send(
      "POST /api/echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n{",
    );

    expect(await client.closed()).toMatch(/^HTTP\/1\.1 401 [^]*"code":"unauthorized"/);
  });

  // Without an end of its own it would be closed as an idle one, after 30 seconds.
  it(
    "with an address that can't be decoded is closed too, when it goes on sending",
    { timeout: 20_000 },
    async () => {
      const client = await openRawClient(
        await listening({ timeouts: { ...short, headersMs: 15_000, lingerMs: 50 } }),
      );

      client.send("POST /%zz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20\r\n\r\n{");

      expect(await client.closed()).toMatch(/^HTTP\/1\.1 400 [^]*"code":"malformed_url"/);
    },
  );

  it("to a process without an API is closed as well", { timeout: 20_000 }, async () => {
    const settings = serverSettingsSchema.parse({});
    const app = await createHealthApp({
      ...{
        settings,
        logger: silentLogger,
        access: createAccessControl({ settings }),
        metrics: new Registry(),
      },
      readiness: async () => ({ ready: true, checks: {}, warnings: [] }),
      timeouts: { ...short, headersMs: 15_000, lingerMs: 50 },
    });
    opened.push(app);
    await app.listen({ host: "127.0.0.1", port: 0 });
    const client = await openRawClient((app.server.address() as AddressInfo).port);

    client.send("POST /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20\r\n\r\n{");

    expect(await client.closed()).toMatch(/^HTTP\/1\.1 404 /);
  });

  it("that sends too much without saying how much gets 413 and can be used again", async () => {
    const client = await openRawClient(await listening());
    client.send(
      "POST /api/echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
    );
    const chunk = `${(100_000).toString(16)}\r\n${" ".repeat(100_000)}\r\n`;

    for (let count = 0; count < 11; count += 1) client.send(chunk);
    expect(await client.received(/body_too_large/)).toMatch(/^HTTP\/1\.1 413 /);

    client.send("0\r\n\r\nGET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    expect(await client.closed()).toMatch(/HTTP\/1\.1 200 OK[^]*\{"status":"ok"\}/);
  });

  it.each([
    [
      "two lengths",
      "POST /api/echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    ],
    [
      "a length and chunks",
      "POST /api/echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
    ["no HTTP at all", "\u0016\u0003\u0001\r\n\r\n"],
    [
      "a space before the colon",
      "GET /livez HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding : chunked\r\n\r\n",
    ],
    ["an unknown method", "EVIL /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"],
  ])("with %s gets 400 with all our headers and is closed", async (_what, request) => {
    const client = await openRawClient(await listening());

    client.send(request);

    const answer = await client.closed();
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(answer).toContain('"code":"malformed_request"');
    expect(answer).toContain("content-security-policy: default-src 'none'");
    expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1);
  });

  it("with huge headers gets 431", async () => {
    const client = await openRawClient(await listening());

    client.send(`GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Huge: ${"x".repeat(20_000)}\r\n\r\n`);

    expect(await client.closed()).toMatch(/^HTTP\/1\.1 431 [^]*"code":"headers_too_large"/);
  });

  it("with an address of 9,000 characters gets 400", async () => {
    const client = await openRawClient(await listening());

    client.send(`GET /livez?${"x".repeat(9000)} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);

    expect(await client.closed()).toMatch(/^HTTP\/1\.1 400 [^]*"code":"malformed_url"/);
  });

  it("that offers HTTP/2 is answered in HTTP/1.1", async () => {
    const client = await openRawClient(await listening());

    client.send(
      "GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
    );

    expect(await client.received(/"ok"\}/)).toMatch(/^HTTP\/1\.1 200 OK/);
    client.socket.destroy();
  });

  it("of a client without a Host is refused", async () => {
    const client = await openRawClient(await listening());

    client.send("GET /livez HTTP/1.0\r\n\r\n");

    expect(await client.closed()).toMatch(/^HTTP\/1\.1 403 [^]*"code":"host_not_allowed"/);
  });
});

type Ending = { readonly status: number | undefined; readonly code: string | undefined };

/** Resolves with how the server refused the upgrade; rejects when it did not. */
function refusal(socket: WebSocket): Promise<Ending> {
  return new Promise((resolve, reject) => {
    socket.on("open", () => reject(new Error("The socket was opened")));
    socket.on("error", () => undefined);
    socket.on("unexpected-response", (_request, response) => {
      let body = "";
      response.on("data", (chunk: Buffer) => {
        body += chunk.toString();
      });
      response.on("end", () => {
        resolve({ status: response.statusCode, code: (JSON.parse(body) as { code?: string }).code });
        socket.terminate();
      });
    });
  });
}

function opening(socket: WebSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("error", reject);
  });
}

describe("a WebSocket", () => {
  it.each([{ origin: "http://evil.example" }, { origin: "null" }, { "sec-fetch-site": "cross-site" }])(
    "is not opened for a page of another site: %j",
    async (headers) => {
      const port = await listening();

      const ending = await refusal(new WebSocket(`ws://127.0.0.1:${port}/api/ws`, { headers }));

      expect(ending).toEqual({ status: 403, code: "cross_origin_request" });
    },
  );

  it("is not opened under a foreign name", async () => {
    const port = await listening();

    const ending = await refusal(
      new WebSocket(`ws://127.0.0.1:${port}/api/ws`, { headers: { host: "evil.example" } }),
    );

    expect(ending).toEqual({ status: 403, code: "host_not_allowed" });
  });

  it("is not opened without the token, nor under an unknown path", async () => {
    const port = await listening({ environment: { MILLRACE_TOKEN: token } });
    const headers = { authorization: `Bearer ${token}` };

    const stranger = await refusal(new WebSocket(`ws://127.0.0.1:${port}/api/ws`));
    const lost = await refusal(new WebSocket(`ws://127.0.0.1:${port}/api/nothing`, { headers }));

    expect(stranger).toEqual({ status: 401, code: "unauthorized" });
    expect(lost).toEqual({ status: 404, code: "route_not_found" });
  });

  it("is closed after an address that can't be decoded", async () => {
    const client = await openRawClient(await listening());

    client.send(
      "GET /%zz HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    );

    expect(await client.closed()).toMatch(/^HTTP\/1\.1 400 [^]*"code":"malformed_url"/);
  });

  it("is opened for our own page, with our subprotocol", async () => {
    const port = await listening();
    const headers = { origin: `http://127.0.0.1:${port}` };

    const socket = new WebSocket(`ws://127.0.0.1:${port}/api/ws`, ["other", "millrace.v1"], { headers });
    await opening(socket);
    const answer = new Promise<string>((resolve) => {
      socket.once("message", (message: Buffer) => resolve(message.toString()));
    });
    socket.send("hello");

    expect(await answer).toBe("hello");
    expect(socket.protocol).toBe("millrace.v1");
    expect(socket.extensions).toBe("");
    socket.terminate();
  });

  it("is opened for a program with the token", async () => {
    const port = await listening({ environment: { MILLRACE_TOKEN: token } });

    const socket = new WebSocket(`ws://127.0.0.1:${port}/api/ws`, {
      headers: { authorization: `Bearer ${token}` },
    });

    await expect(opening(socket)).resolves.toBeUndefined();
    socket.terminate();
  });

  it("is told that the server restarts, and a deaf one does not hold that up", async () => {
    const { app } = await createTestApp();
    app.register(async (scope) => {
      scope.get("/api/ws", { websocket: true }, () => undefined);
    });
    await app.listen({ host: "127.0.0.1", port: 0 });
    const url = `ws://127.0.0.1:${(app.server.address() as AddressInfo).port}/api/ws`;
    const socket = new WebSocket(url);
    const deaf = new WebSocket(url);
    await Promise.all([opening(socket), opening(deaf)]);
    deaf.pause();
    const closed = new Promise<number>((resolve) => {
      socket.once("close", resolve);
    });

    await app.close();

    expect(await closed).toBe(1012);
    deaf.terminate();
  });

  it("is closed when a message is too large", async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${await listening()}/api/ws`);
    await opening(socket);
    const closed = new Promise<number>((resolve) => {
      socket.once("close", resolve);
    });

    socket.send("x".repeat(65_537));

    expect(await closed).toBe(1009);
  });
});

describe("the HTTP service", () => {
  it("listens, says where, and stops twice without complaint", async () => {
    const { app } = await createTestApp();
    const service = createHttpService({ app, settings: { HOST: "127.0.0.1", PORT: 0 } });

    await Promise.all([service.start(), service.start()]);
    const response = await fetch(`${service.address()}/livez`);
    await service.stop();
    await service.stop();

    expect(response.status).toBe(200);
    await expect(fetch(`${service.address()}/livez`)).rejects.toThrow("fetch failed");
  });

  it("stops before it was started", async () => {
    const { app } = await createTestApp();

    await expect(
      createHttpService({ app, settings: { HOST: "127.0.0.1", PORT: 0 } }).stop(),
    ).resolves.toBeUndefined();
  });

  it("says that the port is taken", async () => {
    const port = await listening();
    const { app } = await createTestApp();
    opened.push(app);

    const start = createHttpService({ app, settings: { HOST: "127.0.0.1", PORT: port } }).start();

    await expect(start.catch(errorCode)).resolves.toBe("address_in_use");
  });

  it("says that the address is not of this machine", async () => {
    const { app } = await createTestApp();
    opened.push(app);

    const start = createHttpService({ app, settings: { HOST: "203.0.113.7", PORT: 0 } }).start();

    await expect(start.catch(errorCode)).resolves.toBe("address_unavailable");
  });

  it("lets a running request end before it has stopped", async () => {
    const { app } = await createTestApp();
    const entered = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    app.get("/api/slow", async () => {
      entered.resolve();
      await release.promise;
      return { done: true };
    });
    const service = createHttpService({ app, settings: { HOST: "127.0.0.1", PORT: 0 } });
    await service.start();
    const running = fetch(`${service.address()}/api/slow`);
    await entered.promise;

    const stopping = service.stop();
    release.resolve();

    expect(await (await running).json()).toEqual({ done: true });
    await expect(stopping).resolves.toBeUndefined();
  });
});
