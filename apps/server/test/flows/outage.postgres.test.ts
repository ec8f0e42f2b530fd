import { startFakeModelServer, waitFor } from "@millrace/testing";
import type { FakeModelServer } from "@millrace/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import { codeOf, Flow } from "./flow.ts";
import { expectConsistency } from "./invariants.ts";
import { openProxiedPostgres } from "./proxied-postgres.ts";
import type { ProxiedPostgres } from "./proxied-postgres.ts";

const text = "The mill lost its river for a while. Then the water came back, and all was well again.";
let postgres: ProxiedPostgres;
let models: FakeModelServer;
let flow: Flow;

beforeAll(async () => {
  postgres = await openProxiedPostgres();
  models = await startFakeModelServer({ port: 0, delayMs: 20 });
  flow = await Flow.start("embedded", {
    DATABASE_URL: postgres.proxiedUrl,
    WORKER_LEASE_SECONDS: "6",
    CHAT_URL: models.url,
    CHAT_MODEL: "fake",
    // The same text is sent again, and the model is to be asked again.
    MODEL_CACHE_TTL_SECONDS: "0",
  });
});
afterAll(async () => {
  await flow.stop();
  await models.stop();
  await postgres.close();
});

const modelCalls = (): number => models.calls.filter(({ kind }) => kind === "chat").length;

it("says 503 while the database is away, and finishes everything when it is back", async () => {
  models.setScript((call) => (call.kind === "chat" ? { kind: "hold", barrier: "away" } : undefined));
  const accepted = await Promise.all(Array.from({ length: 6 }, () => flow.postText(text)));
  await waitFor(() => modelCalls() > 0, { describe: "the model to be asked" });

  postgres.proxy.refuse();
  const refused = await flow.send("GET", "/api/documents");
  const notTaken = await flow.send("POST", "/api/documents", { json: { text } });
  models.release("away");
  const notReady = await flow.send("GET", "/readyz");
  const alive = await flow.send("GET", "/livez");
  postgres.proxy.restore();

  for (const reply of [refused, notTaken]) {
    expect([reply.status, codeOf(reply)]).toEqual([503, "database_unavailable"]);
    expect(Number(reply.headers.get("retry-after"))).toBeGreaterThan(0);
  }
  expect([alive.status, notReady.status]).toEqual([200, 503]);
  await expectConsistency(flow);
  for (const { document, job } of accepted) {
    expect((await flow.document(document.id)).status).toBe("completed");
    expect((await flow.job(job.id)).attempt).toBe(1);
  }
});

it("stops when it is told to, also without its database, and goes on later", async () => {
  models.setScript((call) => (call.kind === "chat" ? { kind: "hold", barrier: "stopped" } : undefined));
  const before = modelCalls();
  const { document } = await flow.postText(text);
  await waitFor(() => modelCalls() > before, { describe: "the model to be asked" });

  postgres.proxy.refuse();
  const exitCode = await flow.server.stop();
  postgres.proxy.restore();
  models.setScript([]);

  expect(exitCode).toBe(0);
  await flow.restart();
  expect((await flow.settled(document.id, 55_000)).status).toBe("completed");
}, 120_000);
