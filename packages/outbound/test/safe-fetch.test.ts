import type { RequestListener } from "node:http";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { afterEach, describe, expect, it } from "vitest";
import { SafeFetch } from "../src/index.ts";
import type { FetchedResource, FetchRequest, SafeFetchOptions } from "../src/index.ts";
import { startServer } from "./test-server.ts";
import type { TestServer } from "./test-server.ts";

const servers: TestServer[] = [];

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function serve(answer: RequestListener): Promise<TestServer> {
  const server = await startServer(answer);
  servers.push(server);
  return server;
}

/** Of a host that the operator has allowed, which is this machine. */
function fetchFrom(
  { port }: { readonly port: number },
  path = "/",
  request: FetchRequest = {},
  options: SafeFetchOptions = {},
): Promise<FetchedResource> {
  const safe = new SafeFetch({
    allowedHosts: [`own.test:${port}`],
    resolve: async () => ["127.0.0.1"],
    ...options,
  });
  return safe.fetch(`http://own.test:${port}${path}`, request);
}

const plain = { "content-type": "text/plain" };
const megabyte = 1024 * 1024;

describe("a fetch", () => {
  it("gives the body as text, in its own character set", async () => {
    const server = await serve((_request, response) => {
      response
        .writeHead(200, { "content-type": "Text/HTML; charset=ISO-8859-1" })
        .end(Buffer.from("Größe", "latin1"));
    });

    const { status, contentType, text } = await fetchFrom(server);

    expect({ status, contentType, text: text() }).toEqual({
      status: 200,
      contentType: "text/html",
      text: "Größe",
    });
  });

  it("asks for the host by its name, sends no cookie and says who it is", async () => {
    const server = await serve((request, response) => {
      const { host, cookie, referer, "user-agent": agent } = request.headers;
      response
        .writeHead(200, { ...plain, "set-cookie": "id=1" })
        .end(JSON.stringify({ host, cookie, referer, agent, path: request.url }));
    });
    const safe = new SafeFetch({
      allowedHosts: [`own.test:${server.port}`],
      resolve: async () => ["127.0.0.1"],
    });
    const url = `http://own.test:${server.port}/a?b=c#d`;
    await safe.fetch(url);

    const { text } = await safe.fetch(url);

    expect(JSON.parse(text())).toEqual({
      host: `own.test:${server.port}`,
      agent: "millrace",
      path: "/a?b=c",
    });
  });

  it("gives the answer of a server that says no", async () => {
    const server = await serve((_request, response) => void response.writeHead(404, plain).end("not here"));

    expect(await fetchFrom(server)).toMatchObject({ status: 404 });
  });

  it.each([
    ["gzip", gzipSync],
    ["br", brotliCompressSync],
    ["deflate", deflateSync],
  ])("unpacks %s", async (encoding, pack) => {
    const server = await serve((_request, response) => {
      response.writeHead(200, { ...plain, "content-encoding": encoding }).end(pack("hello"));
    });

    expect((await fetchFrom(server)).text()).toBe("hello");
  });

  it("refuses a type that was not asked for", async () => {
    const server = await serve((_request, response) => {
      response.writeHead(200, { "content-type": "application/octet-stream" }).end("x");
    });

    await expect(fetchFrom(server)).rejects.toMatchObject({ code: "content_type_not_allowed" });
    const asked = { contentTypes: ["application/octet-stream"] };
    expect(await fetchFrom(server, "/", asked)).toMatchObject({ contentType: "application/octet-stream" });
  });

  it("refuses what has no type", async () => {
    const server = await serve((_request, response) => void response.end("x"));

    await expect(fetchFrom(server)).rejects.toMatchObject({ code: "content_type_not_allowed" });
  });

  it("is worth another try when nobody takes the connection", async () => {
    const server = await serve(() => undefined);
    await server.close();

    await expect(fetchFrom(server)).rejects.toMatchObject({ code: "fetch_failed", retryable: true });
  });
});

describe("redirects", () => {
  it("are followed, and the last address is told", async () => {
    const server = await serve((request, response) => {
      if (request.url === "/end") response.writeHead(200, plain).end("there");
      else response.writeHead(307, { location: "/end" }).end("elsewhere");
    });

    expect(await fetchFrom(server)).toMatchObject({ url: `http://own.test:${server.port}/end`, status: 200 });
  });

  it.each([
    ["to this machine", "http://127.0.0.1:PORT/"],
    ["to this machine by its name", "http://localhost:PORT/"],
    ["to metadata", "http://169.254.169.254/latest/meta-data/"],
    ["to a file", "file:///etc/passwd"],
    ["to another port", "http://own.test:5432/"],
    ["with a password", "http://a:b@own.test:PORT/"],
    ["to nowhere", "http://["],
  ])("%s are refused", async (_where, location) => {
    const server = await serve((_request, response) => {
      response.writeHead(302, { location: location.replace("PORT", String(server.port)) }).end();
    });

    await expect(fetchFrom(server)).rejects.toMatchObject({
      code: expect.stringMatching(/^(invalid_url|url_not_reachable)$/),
    });
    expect(server.connections()).toBe(1);
  });

  it("end after five", async () => {
    const server = await serve((_request, response) => void response.writeHead(301, { location: "/" }).end());

    await expect(fetchFrom(server)).rejects.toMatchObject({ code: "too_many_redirects" });
    expect(server.connections()).toBe(6);
  });
});

describe("what is too much", () => {
  const packed = gzipSync(Buffer.alloc(200 * megabyte));

  it("is not unpacked: a bomb", async () => {
    const server = await serve((_request, response) => {
      response.writeHead(200, { ...plain, "content-encoding": "gzip" }).end(packed);
    });
    const before = process.memoryUsage().arrayBuffers;

    await expect(fetchFrom(server)).rejects.toMatchObject({ code: "response_too_large" });

    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50 * megabyte);
  });

  it("is not read: a bomb in a bomb", async () => {
    const server = await serve((_request, response) => {
      response.writeHead(200, { ...plain, "content-encoding": "gzip, gzip" }).end(gzipSync(packed));
    });

    await expect(fetchFrom(server)).rejects.toMatchObject({ code: "fetch_failed" });
  });

  it("is not read to its end: a body without end", async () => {
    const server = await serve((_request, response) => {
      response.writeHead(200, plain);
      const chunk = Buffer.alloc(65_536, "x");
      const more = (): void => {
        while (!response.destroyed && response.write(chunk));
        if (!response.destroyed) response.once("drain", more);
      };
      more();
    });

    await expect(fetchFrom(server)).rejects.toMatchObject({ code: "response_too_large" });
  });

  it("is not begun: a body that is announced", async () => {
    const server = await serve((_request, response) => {
      response.writeHead(200, { ...plain, "content-length": String(10 * megabyte) }).flushHeaders();
    });

    await expect(fetchFrom(server)).rejects.toMatchObject({ code: "response_too_large" });
  });

  it("is not taken: headers of a megabyte", async () => {
    const server = await serve((_request, response) => {
      response.writeHead(200, { ...plain, "x-much": "x".repeat(megabyte) }).end("x");
    });

    await expect(fetchFrom(server)).rejects.toMatchObject({ code: "fetch_failed" });
  });

  it("may be little: the limit is the caller's", async () => {
    const server = await serve((_request, response) => void response.writeHead(200, plain).end("12345"));

    expect((await fetchFrom(server, "/", { maxBytes: 5 })).text()).toBe("12345");
    await expect(fetchFrom(server, "/", { maxBytes: 4 })).rejects.toMatchObject({
      code: "response_too_large",
    });
  });
});

describe("what takes too long", () => {
  const short = { connectMs: 200, idleMs: 200, totalMs: 60_000 };
  const timedOut = (what: string) => ({ code: "fetch_timed_out", retryable: true, details: { what } });

  it("is left: a name that is not resolved", async () => {
    const server = await serve(() => undefined);
    const never = { times: short, resolve: () => new Promise<never>(() => undefined) };

    await expect(fetchFrom(server, "/", {}, never)).rejects.toMatchObject(timedOut("connect"));
  });

  it("is left: TLS that is never agreed on", async () => {
    const deaf = createServer((socket) => void socket.on("error", () => undefined));
    await new Promise<void>((resolve) => deaf.listen(0, "127.0.0.1", resolve));
    const { port } = deaf.address() as AddressInfo;
    const safe = new SafeFetch({
      allowedHosts: [`own.test:${port}`],
      resolve: async () => ["127.0.0.1"],
      times: { ...short, idleMs: 60_000 },
    });

    await expect(safe.fetch(`https://own.test:${port}/`)).rejects.toMatchObject(timedOut("connect"));
    deaf.close();
  });

  it("is left: a server that never answers", async () => {
    const server = await serve(() => undefined);

    await expect(
      fetchFrom(server, "/", {}, { times: { ...short, connectMs: 30_000 } }),
    ).rejects.toMatchObject(timedOut("idle"));
  });

  it("is left: a body that stops in the middle", async () => {
    const server = await serve((_request, response) => void response.writeHead(200, plain).write("half"));

    await expect(
      fetchFrom(server, "/", {}, { times: { ...short, connectMs: 30_000 } }),
    ).rejects.toMatchObject(timedOut("idle"));
  });

  it("is left: a body that drips", async () => {
    const server = await serve((_request, response) => {
      response.writeHead(200, plain);
      const drip = setInterval(() => response.write("x"), 20);
      response.once("close", () => clearInterval(drip));
    });
    const times = { connectMs: 30_000, idleMs: 30_000, totalMs: 500 };

    await expect(fetchFrom(server, "/", {}, { times })).rejects.toMatchObject(timedOut("total"));
  });

  it("is left when the caller asks for it", async () => {
    const server = await serve((_request, response) => void response.writeHead(200, plain).write("half"));
    const leaving = new AbortController();
    const fetched = fetchFrom(server, "/", { signal: leaving.signal });
    const error = new Error("the job was cancelled");
    await expect.poll(() => server.connections()).toBe(1);

    leaving.abort(error);

    await expect(fetched).rejects.toBe(error);
  });

  it("is not begun for a caller who has left", async () => {
    const server = await serve(() => undefined);

    await expect(fetchFrom(server, "/", { signal: AbortSignal.abort(new Error("gone")) })).rejects.toThrow(
      "gone",
    );
    expect(server.connections()).toBe(0);
  });

  it("ends nothing else when its caller has left and its host is not reachable", async () => {
    const unheard: unknown[] = [];
    const listen = (reason: unknown) => void unheard.push(reason);
    process.on("unhandledRejection", listen);
    const signal = AbortSignal.abort(new Error("gone"));

    await expect(new SafeFetch().fetch("http://127.0.0.1/", { signal })).rejects.toThrow("gone");

    await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", listen);
    expect(unheard).toEqual([]);
  });
});

describe("an answer that is cut off", () => {
  it("is no answer: fewer bytes than were announced", async () => {
    const server = await serve((_request, response) => {
      response.writeHead(200, { ...plain, "content-length": "100" }).write("half", () => response.destroy());
    });

    await expect(fetchFrom(server)).rejects.toMatchObject({ code: "fetch_failed", retryable: true });
  });

  it("is no answer: the change to another protocol", async () => {
    const server = await serve((_request, response) => {
      response.socket?.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
    });

    await expect(fetchFrom(server)).rejects.toMatchObject({ code: "fetch_failed" });
  });

  it("is no answer: the half of what was packed", async () => {
    const whole = gzipSync("x".repeat(10_000));
    const server = await serve((_request, response) => {
      response.writeHead(200, { ...plain, "content-encoding": "gzip" }).end(whole.subarray(0, 20));
    });

    await expect(fetchFrom(server)).rejects.toMatchObject({ code: "fetch_failed" });
  });
});
