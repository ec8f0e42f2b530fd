import { tmpdir } from "node:os";
import { CrewRuns, handleCrewRun, loadCrew } from "@millrace/crews";
import { createExtractor } from "@millrace/extract";
import { localAccess, newId, parseSettings, silentLogger } from "@millrace/kernel";
import { createModels, modelSettingsSchema } from "@millrace/models";
import type { Models, TurnRequest } from "@millrace/models";
import { Queue } from "@millrace/queue";
import type { QueueWorker } from "@millrace/queue";
import { startFakeModelServer, testDatabases } from "@millrace/testing";
import type { FakeModelServer, TestDatabase } from "@millrace/testing";
import { recordCharge } from "@millrace/usage";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { shippedTools } from "../../src/crews/shipped-tools.ts";

const { workspaceId } = localAccess;
const embedding = "openai-compatible:paid";

/** A model that searches once, and then answers. */
async function turn({ origin }: TurnRequest) {
  const isFirst = origin.step?.endsWith("/turn/1") === true;
  const toolCalls = [{ id: newId(), name: "search_documents", input: { query: "cranes" } }];
  return {
    ...{ text: isFirst ? "" : "Three.", toolCalls: isFirst ? toolCalls : [], model: "scripted" },
    ...{ usage: { inputTokens: 10, outputTokens: 5 }, cost: 1, cached: false, latencyMs: 1 },
  };
}

describe.each(testDatabases())("a crew that searches the documents, on $name", (kind) => {
  let opened: TestDatabase;
  let server: FakeModelServer;
  let models: Models;
  let worker: QueueWorker;
  let runs: CrewRuns;

  beforeAll(async () => {
    opened = await kind.open();
    server = await startFakeModelServer({ port: 0 });
    models = createModels({
      settings: parseSettings(modelSettingsSchema, { EMBEDDING_URL: server.url, EMBEDDING_MODEL: "paid" }),
      // A thousand tokens for a dollar.
      own: { prices: { [embedding]: { input: 1000, output: 0 } } },
      logger: silentLogger,
    });
    const { database } = opened;
    // Not started: no page is fetched.
    const extractor = createExtractor({ logger: silentLogger, tempDirectory: tmpdir(), concurrency: 1 });
    const crew = loadCrew(
      {
        name: "harbour",
        agents: {
          name: "agents.yaml",
          text: "clerk: { role: Clerk, goal: To know, backstory: Old., tools: [search_documents] }",
        },
        tasks: {
          name: "tasks.yaml",
          text: "count: { description: Count., expected_output: A number., agent: clerk }",
        },
      },
      {
        tools: shippedTools({ database, extractor, models, allowedHosts: [] }),
        ...{ schemas: {}, callbacks: {}, guardrails: {}, conditions: {}, models: {} },
      },
    );
    const crews = { crews: [crew], broken: [] };
    const handler = handleCrewRun({
      ...{ crews, database: database.background, models: { turn }, charge: recordCharge },
      permissions: ["documents:read"],
      appendEvents: (scope, events) => queue.appendEvents(scope, events),
    });
    const queue = new Queue({ database, logger: silentLogger, handlers: [handler] });
    runs = new CrewRuns({ queue, crews });
    worker = queue.createWorker({
      ...{ name: "w", concurrency: 1, leaseMs: 60_000, beatMs: 20_000, pollMs: 50, drainMs: 50 },
    });
    await worker.start();
  });
  afterAll(async () => {
    await worker.stop();
    await models.stop();
    await server.stop();
    await opened.close();
  });

  it("is charged for the vector of what it looks for, once, and counts it as used", async () => {
    const { run } = await runs.start(localAccess, "harbour", {});

    const ended = await runs.waitForEnd(localAccess, run, { timeoutMs: 30_000 });

    const charges = await sql<{ step: string; model: string; tokens: number; cost: number; owner: string }>`
      SELECT step, model, input_tokens::int AS tokens, cost::float, owner FROM model_charge
      WHERE job_id = ${run.job_id} ORDER BY step`.execute(opened.database.queryable);
    const [search] = charges.rows.filter(({ model }) => model === embedding);
    expect(server.calls.map(({ kind: called }) => called)).toEqual(["embeddings"]);
    expect(charges.rows.map(({ step, model }) => [step, model])).toEqual([
      ["task/count/turn/1", "scripted"],
      ["task/count/turn/1/tool/1", embedding],
      ["task/count/turn/2", "scripted"],
    ]);
    expect(search?.tokens).toBeGreaterThan(0);
    expect(search).toMatchObject({ owner: workspaceId, cost: search!.tokens / 1000 });
    expect(ended).toMatchObject({
      state: "succeeded",
      usage: {
        model_calls: 3,
        tool_calls: 1,
        input_tokens: 20 + search!.tokens,
        output_tokens: 10,
        cost: 2 + search!.cost,
      },
    });
  });
});
