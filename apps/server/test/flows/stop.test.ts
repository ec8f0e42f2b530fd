import { mkdtemp, rm } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { acceptedDocumentSchema, jobDetailSchema } from "@millrace/contracts";
import { startFakeModelServer, startMillrace, waitFor } from "@millrace/testing";
import type { FakeModelServer, RunningMillrace } from "@millrace/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

describe("stopping the server", () => {
  let folder: string;
  let models: FakeModelServer;
  let server: RunningMillrace;

  const start = (): Promise<RunningMillrace> =>
    startMillrace({
      dataDirectory: folder,
      isFirstStart: true,
      environment: { CHAT_URL: models.url, CHAT_MODEL: "fake", CHAT_CONTEXT_TOKENS: "2048" },
    });

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "millrace-stop-"));
    models = await startFakeModelServer({ port: 0, delayMs: 60_000 });
    server = await start();
  });
  afterEach(async () => {
    await server.kill9();
    await models.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it("hands running jobs back and ends in time, although clients wait and upload", async () => {
    const accepted = await fetch(`${server.url}/api/documents`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ text: "A mill stands by the water. ".repeat(20) }),
    });
    const { job } = acceptedDocumentSchema.parse(await accepted.json());
    await waitFor(() => models.calls.some(({ kind, outcome }) => kind === "chat" && outcome === "running"), {
      describe: "a job at work",
    });
    const waiting = fetch(`${server.url}/api/jobs/${job.id}`, { headers: { prefer: "wait=30" } });
    const upload = request(`${server.url}/api/documents`, {
      method: "POST",
      headers: { "content-type": "application/json", "content-length": "1000" },
    });
    upload.on("error", () => undefined);
    upload.write("{");
    // Answered after the two were sent, on connections that are accepted in order.
    await fetch(`${server.url}/livez`);

    const stoppedAtMs = performance.now();
    const code = await server.stop();

    expect(code).toBe(0);
    expect(performance.now() - stoppedAtMs).toBeLessThan(9_000);
    const answer = await waiting;
    expect(answer.status).toBe(200);
    expect(jobDetailSchema.parse(await answer.json()).finished_at).toBeNull();
    server = await start();
    const after = await fetch(`${server.url}/api/jobs/${job.id}`);
    const outcomes = jobDetailSchema.parse(await after.json()).attempts.map(({ outcome }) => outcome);
    expect(outcomes).toContain("handed_back");
    expect(outcomes).not.toContain("crashed");
  });
});
