import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterEach, describe, expect, it } from "vitest";
import { jobId, LiveServer, range, signedOut } from "./live-server.ts";
import type { LiveServerOptions } from "./live-server.ts";

const stream = `job:${jobId}`;
const path = `/api/jobs/${jobId}/events`;
let server: LiveServer;

afterEach(async () => {
  await server.stop();
  expect(server.hub.figures()).toMatchObject({ streams: 0, followers: 0 });
});

async function start(options: LiveServerOptions = {}): Promise<void> {
  server = await LiveServer.start(options);
}

function append(count: number): void {
  for (let index = 0; index < count; index += 1) server.feed.append(stream, "job.progressed", { index });
}

/** Reads a response until the text holds the wanted part, or it ends. */
async function readUntil(response: Response, wanted: string): Promise<string> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of response.body!) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    if (text.includes(wanted)) break;
  }
  return text;
}

function idsOf(text: string): number[] {
  return [...text.matchAll(/^id: (\d+)$/gmu)].map((match) => Number(match[1]));
}

describe("the event stream of a job", () => {
  it("gives everything stored and goes on live", async () => {
    await start();
    append(3);

    const response = await fetch(server.url(path));
    const text = readUntil(response, "id: 5\n");
    append(2);

    expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    expect(await text).toMatch(/^retry: 2000\n\nid: 1\nevent: job\.progressed\ndata: \{"stream":"job:/u);
    expect(idsOf(await text)).toEqual([1, 2, 3, 4, 5]);
  });

  it("resumes after Last-Event-ID, which wins over `since`", async () => {
    await start();
    append(10);

    const response = await fetch(server.url(`${path}?since=2`), { headers: { "last-event-id": "7" } });

    expect(idsOf(await readUntil(response, "id: 10\n"))).toEqual([8, 9, 10]);
  });

  it("resumes after `since`", async () => {
    await start();
    append(10);

    const response = await fetch(server.url(`${path}?since=8`));

    expect(idsOf(await readUntil(response, "id: 10\n"))).toEqual([9, 10]);
  });

  it("ends after the last event when asked to", async () => {
    await start();
    append(1);
    const response = await fetch(server.url(`${path}?until=finished`));

    server.feed.append(stream, "job.succeeded");
    append(1);

    expect(idsOf(await response.text())).toEqual([1, 2]);
  });

  it("does not take the end of an earlier run for the end", async () => {
    await start();
    server.feed.append(stream, "job.succeeded");
    append(1);
    const response = await fetch(server.url(`${path}?until=finished`));

    append(1);
    server.feed.append(stream, "job.succeeded");

    expect(idsOf(await response.text())).toEqual([1, 2, 3, 4]);
  });

  it("stops browsers from reconnecting once they have seen the end", async () => {
    await start();
    append(1);
    server.feed.append(stream, "job.succeeded");

    const response = await fetch(server.url(`${path}?until=finished`), { headers: { "last-event-id": "2" } });

    expect(response.status).toBe(204);
  });

  it("stops them also when the end has left the history", async () => {
    await start({
      jobs: {
        readSnapshot: () => Promise.resolve({ seq: 2, data: { state: "succeeded" }, isFinished: true }),
      },
    });
    append(1);
    server.feed.append(stream, "job.succeeded");
    server.feed.expire(stream, () => true);

    const response = await fetch(server.url(`${path}?until=finished`), { headers: { "last-event-id": "2" } });

    expect(response.status).toBe(204);
  });

  it("works with curl", async () => {
    await start();
    append(1);
    server.feed.append(stream, "job.succeeded");

    const { stdout } = await promisify(execFile)("curl", [
      "-sN",
      "--max-time",
      "5",
      server.url(`${path}?until=finished`),
    ]);

    expect(idsOf(stdout)).toEqual([1, 2]);
  });

  it("says reset when history has expired, gives the present state, and goes on", async () => {
    await start();
    append(10);
    server.feed.expire(stream, (event) => event.seq < 8);
    const text = readUntil(await fetch(server.url(path)), "id: 11\n");

    append(1);

    expect(await text).toMatch(/\n\nevent: reset\n[^]*\n\nid: 10\nevent: snapshot\n/);
    expect(idsOf(await text)).toEqual([10, 11]);
  });

  it("passes texts that have expired, and ends with the end", async () => {
    await start();
    append(2);
    server.feed.append(stream, "crew.text_written");
    append(1);
    server.feed.append(stream, "job.succeeded");
    server.feed.expire(stream, ({ type }) => type === "crew.text_written");

    const response = await fetch(server.url(`${path}?until=finished`));

    expect(idsOf(await response.text())).toEqual([1, 2, 4, 5]);
  });

  it("ends after the present state when that is the end", async () => {
    await start({
      jobs: {
        readSnapshot: () => Promise.resolve({ seq: 10, data: { state: "succeeded" }, isFinished: true }),
      },
    });
    append(10);
    server.feed.expire(stream, () => true);

    const response = await fetch(server.url(`${path}?until=finished&since=3`));

    expect(await response.text()).toContain(
      `id: 10\nevent: snapshot\ndata: {"stream":"${stream}","seq":10,"data":{"state":"succeeded"}}\n\n`,
    );
  });

  it("keeps quiet lines alive with comments", async () => {
    await start({ streamLimits: { heartbeatMs: 10 } });

    const text = await readUntil(await fetch(server.url(path)), ": heartbeat\n\n");

    expect(text).toContain(": heartbeat\n\n");
  });

  it("lets go of the stream when the client leaves", async () => {
    await start();
    const controller = new AbortController();
    await fetch(server.url(path), { signal: controller.signal });
    while (server.hub.figures().followers === 0) await new Promise(setImmediate);

    controller.abort();
    while (server.hub.figures().followers > 0) await new Promise(setImmediate);

    expect(server.hub.figures().streams).toBe(0);
  });

  it("lets go of the stream when the client left while it was being opened", async () => {
    const asked = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<string>();
    await start({
      jobs: {
        streamOf: () => {
          asked.resolve();
          return answer.promise;
        },
      },
    });
    const left = Promise.withResolvers<void>();
    server.app.server.once("connection", (socket) => socket.once("close", left.resolve));
    const controller = new AbortController();
    const response = fetch(server.url(path), { signal: controller.signal });
    await asked.promise;

    controller.abort();
    await expect(response).rejects.toThrow();
    await left.promise;
    answer.resolve(stream);

    // Behind the other in the same process: by its end that one has been opened, and let go.
    const other = new AbortController();
    await fetch(server.url(path), { signal: other.signal });
    other.abort();

    await expect.poll(() => server.hub.figures()).toMatchObject({ followers: 0, streams: 0 });
  });

  it("cuts off a client that takes nothing", async () => {
    await start({ streamLimits: { slowClientMs: 30 } });
    const response = await fetch(server.url(path));

    const text = "x".repeat(64_000);
    for (const index of range(1, 800)) server.feed.append(stream, "job.progressed", { index, text });
    while (server.hub.figures().followers > 0) await new Promise(setImmediate);

    await expect(response.text()).rejects.toThrow();
  });

  it("ends when the client may no longer watch, before anything more is sent", async () => {
    await start({ streamLimits: { recheckMs: 0 } });
    append(1);
    const response = await fetch(server.url(path));
    await response.body!.getReader().read();

    server.refusal = signedOut();
    append(1);
    while (server.hub.figures().followers > 0) await new Promise(setImmediate);

    expect(server.hub.figures().followers).toBe(0);
  });

  it.each([
    [`/api/jobs/unknown/events`, "not_found"],
    [`${path}?since=-1`, "malformed_since"],
    [`${path}?since=later`, "malformed_since"],
    [`${path}?until=tomorrow`, "malformed_until"],
    [`${path}?color=red`, "unknown_field"],
  ])("refuses %s with %s", async (wrong, code) => {
    await start();

    const response = await fetch(server.url(wrong));

    expect(await response.json()).toEqual({ code });
  });
});
