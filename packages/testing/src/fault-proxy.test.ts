import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startFaultProxy } from "./fault-proxy.ts";
import type { FaultProxy, FaultProxyOptions } from "./fault-proxy.ts";
import { waitFor } from "./wait-for.ts";

/** One end of a connection, with all it was sent and how it ended. */
type End = { readonly socket: Socket; text: string; hasEnded: boolean; error: string | undefined };

let server: Server;
let accepted: End[];
let sockets: Socket[];
let proxy: FaultProxy;

beforeEach(async () => {
  accepted = [];
  sockets = [];
  server = createServer({ allowHalfOpen: true }, (socket) => void accepted.push(watch(socket)));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  proxy = await startFaultProxy({ target: target() });
});
afterEach(async () => {
  await proxy.stop();
  sockets.forEach((socket) => socket.destroy());
  server.close();
});

function target(): { readonly host: string; readonly port: number } {
  return { host: "127.0.0.1", port: (server.address() as AddressInfo).port };
}

async function replaceProxy(options: Partial<FaultProxyOptions>): Promise<void> {
  await proxy.stop();
  proxy = await startFaultProxy({ target: target(), ...options });
}

function watch(socket: Socket): End {
  const end: End = { socket, text: "", hasEnded: false, error: undefined };
  sockets.push(socket);
  socket.on("data", (chunk) => (end.text += chunk.toString()));
  socket.on("end", () => (end.hasEnded = true));
  socket.on("error", (error: NodeJS.ErrnoException) => (end.error = error.code));
  return end;
}

function dial(): End {
  return watch(connect({ port: proxy.port, host: "127.0.0.1", allowHalfOpen: true }));
}

/** Both ends of a new connection, after a word in each direction. */
async function connectBoth(): Promise<{ readonly client: End; readonly peer: End }> {
  const index = accepted.length;
  const client = dial();
  client.socket.write("hello ");
  const peer = await waitFor(() => accepted[index], { describe: "the server to be connected" });
  await expectText(peer, "hello ");
  peer.socket.write("welcome ");
  await expectText(client, "welcome ");
  return { client, peer };
}

const expectText = (end: End, text: string): Promise<void> => expect.poll(() => end.text).toBe(text);

/** The proxy has had time to see what was sent, and the condition still holds. */
async function roundTripPast(stillHolds: () => boolean): Promise<void> {
  const own = proxy;
  proxy = await startFaultProxy({ target: target() });
  await connectBoth();
  await proxy.stop();
  proxy = own;
  expect(stillHolds()).toBe(true);
}

describe("a connection without faults", () => {
  it("carries much in both directions, and its end", async () => {
    const { client, peer } = await connectBoth();
    const long = "mill".repeat(500_000);

    client.socket.end(long);
    peer.socket.end(long);

    await expectText(peer, `hello ${long}`);
    await expectText(client, `welcome ${long}`);
    await expect.poll(() => [client.hasEnded, peer.hasEnded]).toEqual([true, true]);
    await expect.poll(() => proxy.counts().open).toBe(0);
  });

  it("keeps the other direction open after one has ended", async () => {
    const { client, peer } = await connectBoth();

    client.socket.end();
    await expect.poll(() => peer.hasEnded).toBe(true);
    peer.socket.write("still here");

    await expectText(client, "welcome still here");
  });

  it("closes when nobody listens behind the proxy", async () => {
    const gone = createServer().listen(0, "127.0.0.1");
    await once(gone, "listening");
    const { port } = gone.address() as AddressInfo;
    gone.close();
    await replaceProxy({ target: { host: "127.0.0.1", port } });

    const client = dial();

    await expect.poll(() => client.hasEnded || client.error !== undefined).toBe(true);
    expect(client.text).toBe("");
  });
});

it("gives a URL with its own address and all else unchanged", () => {
  expect(proxy.through("postgres://me:secret@db.example:5432/mill?sslmode=disable")).toBe(
    `postgres://me:secret@127.0.0.1:${proxy.port}/mill?sslmode=disable`,
  );
});

describe("a delay", () => {
  it("holds bytes for the time given, in order", async () => {
    const { client, peer } = await connectBoth();
    proxy.set({ kind: "delay", delayMs: 80 });
    const startedAt = performance.now();

    client.socket.write("one ");
    client.socket.write("two ");

    await expectText(peer, "hello one two ");
    // Timers of Node may fire up to a millisecond early.
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(79);
  });

  it("lets what it holds go on when it ends", async () => {
    const { client, peer } = await connectBoth();
    proxy.set({ kind: "delay", delayMs: 3_600_000 });
    client.socket.write("late");
    await roundTripPast(() => peer.text === "hello ");

    proxy.restore();

    await expectText(peer, "hello late");
  });
});

it("lets through no more bytes a second than the throttle allows", async () => {
  const { client, peer } = await connectBoth();
  proxy.set({ kind: "throttle", bytesPerSecond: 1000 });
  const startedAt = performance.now();

  client.socket.write("x".repeat(200));

  await expect.poll(() => peer.text.length).toBe("hello ".length + 200);
  // The first slice goes at once.
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(140);
});

describe("a black hole", () => {
  it("swallows one direction and passes the other", async () => {
    const { client, peer } = await connectBoth();

    proxy.set({ kind: "black_hole" }, { direction: "to_server" });
    client.socket.write("lost");
    peer.socket.write("heard");

    await expectText(client, "welcome heard");
    expect(peer.text).toBe("hello ");
  });

  it("hides the end of a connection, and gives everything when it is over", async () => {
    const { client, peer } = await connectBoth();
    proxy.set({ kind: "black_hole" });
    client.socket.end("last words");
    await roundTripPast(() => peer.text === "hello " && !peer.hasEnded);

    proxy.restore();

    await expectText(peer, "hello last words");
    await expect.poll(() => peer.hasEnded).toBe(true);
  });

  it("can swallow the connections that there are, and let new ones work", async () => {
    const { client, peer } = await connectBoth();

    proxy.set({ kind: "black_hole" }, { scope: "existing" });
    client.socket.write("lost");

    await connectBoth();
    expect(peer.text).toBe("hello ");
  });

  it("takes no more than it can hold, so that the sender feels it", async () => {
    const { client } = await connectBoth();
    proxy.set({ kind: "black_hole" });

    client.socket.write(Buffer.alloc(64 * 1024 * 1024));
    await roundTripPast(() => true);

    expect(client.socket.writableLength).toBeGreaterThan(0);
  });
});

it("resets the connections that there are on both sides, and takes new ones", async () => {
  const { client, peer } = await connectBoth();

  proxy.reset();

  await expect.poll(() => [client.error, peer.error]).toEqual(["ECONNRESET", "ECONNRESET"]);
  await connectBoth();
});

it("ends one direction and leaves the other", async () => {
  const { client, peer } = await connectBoth();

  proxy.halfClose("to_client");

  await expect.poll(() => client.hasEnded).toBe(true);
  client.socket.write("still here");
  await expectText(peer, "hello still here");
  expect(peer.hasEnded).toBe(false);
});

describe("a cut after some bytes", () => {
  it("lets just those through, and then both ends see it closed", async () => {
    const { client, peer } = await connectBoth();
    proxy.set({ kind: "cut_after", bytes: 5 }, { direction: "to_client" });

    peer.socket.write("12");
    await expectText(client, "welcome 12");
    peer.socket.write("34567");

    await expect.poll(() => client.hasEnded || client.error !== undefined).toBe(true);
    await expect.poll(() => peer.hasEnded || peer.error !== undefined).toBe(true);
    expect(client.text).toBe("welcome 12345");
  });

  it("counts for each connection apart, also for those to come", async () => {
    proxy.set({ kind: "cut_after", bytes: 7 }, { direction: "to_server" });
    const { client } = await connectBoth();
    await connectBoth();

    client.socket.write("12");

    await expectText(accepted[0]!, "hello 1");
    expect(accepted[1]?.text).toBe("hello ");
  });
});

it("refuses connections until it is restored, and counts them", async () => {
  const { client } = await connectBoth();

  proxy.refuse();
  await expect.poll(() => client.error).toBe("ECONNRESET");
  const refused = dial();
  await expect.poll(() => refused.error).toBe("ECONNRESET");

  expect(proxy.counts()).toEqual({ open: 0, refused: 1 });
  proxy.restore();
  await connectBoth();
});

it("adds bytes as if the other end had sent them", async () => {
  const { client, peer } = await connectBoth();

  proxy.inject("to_server", Buffer.from("forged"));
  proxy.inject("to_client", Buffer.from("faked"));

  await expectText(peer, "hello forged");
  await expectText(client, "welcome faked");
});

it("lets a filter change and drop what passes", async () => {
  await replaceProxy({
    filter: (chunk, direction) => {
      if (direction === "to_client") return chunk;
      return chunk.includes("secret") ? undefined : Buffer.from(chunk.toString().replace("bad", "good"));
    },
  });
  const { client, peer } = await connectBoth();

  client.socket.write("secret");
  await roundTripPast(() => peer.text === "hello ");
  client.socket.write("bad");

  await expectText(peer, "hello good");
});

it("leaves nothing open when it has stopped, and stops twice", async () => {
  const { client } = await connectBoth();
  proxy.set({ kind: "black_hole" });

  await Promise.all([proxy.stop(), proxy.stop()]);

  await expect.poll(() => client.socket.destroyed || client.error !== undefined).toBe(true);
  expect(proxy.counts().open).toBe(0);
});
