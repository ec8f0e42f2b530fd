import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { SafeFetch } from "../src/index.ts";
import { checkUrl } from "../src/check-url.ts";
import { exchange } from "../src/exchange.ts";
import { startServer } from "./test-server.ts";
import type { TestServer } from "./test-server.ts";

/** What names lead to. Names that are not here are not known. */
const names: Readonly<Record<string, readonly string[]>> = {
  localhost: ["127.0.0.1", "::1"],
  "127.0.0.1.nip.io": ["127.0.0.1"],
  "private.test": ["10.0.0.1"],
  "metadata.google.internal": ["169.254.169.254"],
  "mapped.test": ["::ffff:127.0.0.1"],
  "mixed.test": ["93.184.216.34", "127.0.0.1"],
  "nothing.test": [],
  "nonsense.test": ["not an address"],
};

let canary: TestServer;
let asked: string[] = [];

const resolve = async (host: string): Promise<readonly string[]> => {
  asked.push(host);
  const known = names[host];
  if (known === undefined) throw new Error("ENOTFOUND");
  return known;
};

beforeAll(async () => {
  canary = await startServer((_request, response) => response.end("a secret"));
});
beforeEach(() => {
  asked = [];
});
afterAll(() => canary.close());

const fetchIt = (url: string): Promise<unknown> =>
  new SafeFetch({ ports: [80, 443, canary.port], resolve }).fetch(url.replace("PORT", `${canary.port}`));

describe("no connection is made to", () => {
  it.each([
    "http://127.0.0.1:PORT/",
    "http://127.1:PORT/",
    "http://127.0.1:PORT/",
    "http://127.255.255.254:PORT/",
    "http://2130706433:PORT/",
    "http://0x7f000001:PORT/",
    "http://0x7f.0.0.1:PORT/",
    "http://0x7F.0x0.0x0.0x1:PORT/",
    "http://0177.0.0.01:PORT/",
    "http://017700000001:PORT/",
    "http://0177.0x0.1:PORT/",
    "http://0:PORT/",
    "http://0.0.0.0:PORT/",
    "http://①②⑦.⓪.⓪.①:PORT/",
    "http://１２７.０.０.１:PORT/",
    "http://127。0。0。1:PORT/",
    "http://127.0.0.1.:PORT/",
    "http://[::1]:PORT/",
    "http://[::]:PORT/",
    "http://[0:0:0:0:0:0:0:1]:PORT/",
    "http://[::ffff:127.0.0.1]:PORT/",
    "http://[::ffff:7f00:1]:PORT/",
    "http://[::127.0.0.1]:PORT/",
    "http://[::ffff:0:127.0.0.1]:PORT/",
    "http://[64:ff9b::7f00:1]:PORT/",
    "http://[64:ff9b:1::7f00:1]:PORT/",
    "http://[2002:7f00:1::]:PORT/",
    "http://[2001:0:7f00:1::]:PORT/",
    "http://[fe80::1]:PORT/",
    "http://[fe80::1%25lo]:PORT/",
    "http://[fd00:ec2::254]:PORT/",
    "http://localhost:PORT/",
    "http://localhost.:PORT/",
    "http://LOCALHOST:PORT/",
    "http://ⓛocalhost:PORT/",
    "http://127.0.0.1.nip.io:PORT/",
    "http://private.test:PORT/",
    "http://mapped.test:PORT/",
    "http://mixed.test:PORT/",
    "http://nothing.test:PORT/",
    "http://nonsense.test:PORT/",
    "http://unknown.test:PORT/",
    "http://metadata.google.internal/computeMetadata/v1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://[::ffff:a9fe:a9fe]/latest/meta-data/",
    "http://100.100.100.200/",
    "http://192.168.0.1/",
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://100.64.0.1/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://example.com@127.0.0.1:PORT/",
    "http://127.0.0.1:PORT@example.com:PORT/",
    "http://user:password@localhost:PORT/",
    "http:\\\\127.0.0.1:PORT\\",
    "http:///127.0.0.1:PORT/",
    "http:127.0.0.1:PORT",
    "http://127.0.0.1:PORT#@example.com/",
    "http://127.0.0.1:PORT?@example.com/",
    "https://127.0.0.1:PORT/",
    "ws://127.0.0.1:PORT/",
    "gopher://127.0.0.1:PORT/_GET%20/",
    "file://127.0.0.1/etc/passwd",
    "http://127.0.0.1:5432/",
    "http://127.0.0.1:6379/",
  ])("%s", async (url) => {
    await expect(fetchIt(url)).rejects.toMatchObject({
      code: expect.stringMatching(/^(invalid_url|url_not_reachable)$/),
      retryable: false,
    });

    expect(canary.connections()).toBe(0);
  });

  it("what the socket says is another address than the one that was checked", async () => {
    const target = checkUrl(`http://127.0.0.1:${canary.port}/`, { ports: [canary.port], allowedHosts: [] });
    const times = { connectMs: 3_000, idleMs: 3_000, signal: new AbortController().signal };

    const answer = exchange({ target, addresses: ["93.184.216.34"], headers: {}, ...times });

    await expect(answer).rejects.toMatchObject({ code: "url_not_reachable" });
  });
});

it("says the same of a host that is inside and of one that is not there", async () => {
  const inside = await fetchIt("http://private.test/").catch((error: unknown) => error);
  const unknown = await fetchIt("http://unknown.test/").catch((error: unknown) => error);

  expect(inside).toMatchObject({
    code: "url_not_reachable",
    message: (unknown as Error).message,
    details: {},
  });
});

it("resolves a name once, and connects to what was checked although the name leads elsewhere by then", async () => {
  const answers = [["127.0.0.1"], ["127.0.0.2"]];
  const server = await startServer((_request, response) => {
    response.setHeader("content-type", "text/plain").end("the first");
  });
  const second = await startServer((_request, response) => response.end("the second"), {
    host: "127.0.0.2",
    port: server.port,
  });
  const rebinding = new SafeFetch({
    allowedHosts: [`rebind.test:${server.port}`],
    resolve: async () => answers.shift() ?? [],
  });

  const { text } = await rebinding.fetch(`http://rebind.test:${server.port}/`);

  expect(text()).toBe("the first");
  expect(answers).toHaveLength(1);
  expect(second.connections()).toBe(0);
  await Promise.all([server.close(), second.close()]);
});

it("is not misled by a name that leads inside the second time it is asked for", async () => {
  const server = await startServer((request, response) => {
    response
      .writeHead(302, { location: request.url === "/" ? `http://rebind.test:${server.port}/again` : "/" })
      .end();
  });
  // The first of them is of the operator's own host.
  const answers = [["127.0.0.1"], ["127.0.0.1"]];
  const rebinding = new SafeFetch({
    ports: [server.port],
    allowedHosts: [`own.test:${server.port}`],
    resolve: async () => answers.shift() ?? [],
  });

  const fetched = rebinding.fetch(`http://own.test:${server.port}/`);

  await expect(fetched).rejects.toMatchObject({ code: "url_not_reachable" });
  expect(server.connections()).toBe(1);
  await server.close();
});
