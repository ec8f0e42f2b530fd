import {
  acceptedDocumentSchema,
  budgetSchema,
  modelCallSchema,
  pageSchema,
  usageSchema,
} from "@millrace/contracts";
import { newId } from "@millrace/kernel";
import { startFakeModelServer } from "@millrace/testing";
import type { FakeModelServer } from "@millrace/testing";
import { recordCharge } from "@millrace/usage";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCommand } from "../cli/command.ts";
import { codeOf, Flow } from "./flow.ts";
import type { Ground } from "./flow.ts";

const text = "The mill stands by the river. The miller is content with the year and with his dog.";
const model = "openai-compatible:fake";
const embeddingModel = "openai-compatible:vectors";

const noLimits = { day_dollars: null, month_dollars: null, day_tokens: null, month_tokens: null };

/** What model calls cost, and what a budget does to them, seen from outside. */
export function usageSuite(ground: Ground): void {
  let flow: Flow;
  let models: FakeModelServer;
  beforeAll(async () => {
    models = await startFakeModelServer({ port: 0 });
    flow = await Flow.start(
      ground,
      {
        CHAT_URL: models.url,
        CHAT_MODEL: "fake",
        EMBEDDING_URL: models.url,
        EMBEDDING_MODEL: "vectors",
        MODEL_PRICES: "prices.json",
        MODEL_LIMITS: `${model}=6000rpm`,
      },
      {
        "prices.json": JSON.stringify({
          [model]: { input: 1000, output: 2000 },
          [embeddingModel]: { input: 500, output: 0 },
        }),
      },
    );
  });
  afterAll(async () => {
    await flow.stop();
    await models.stop();
  });

  const usageBy = (by: string) => flow.get(`/api/usage?by=${by}`, usageSchema);
  const millrace = (words: readonly string[]) =>
    runCommand(words, { folder: flow.folder, environment: { MILLRACE_URL: flow.url } });

  describe(`the use of models, ${ground}`, () => {
    it("lists each call that the server answered, and charges each step once", async () => {
      const { document, job } = await flow.postText(text);
      expect((await flow.settled(document.id)).status).toBe("completed");
      const asked = models.calls.filter(({ kind }) => kind === "chat" || kind === "embeddings");

      // The list is written behind the calls.
      const { total, data, charged } = await flow.until(
        () => usageBy("model"),
        (usage) => usage.total.calls >= asked.length,
      );

      expect(total).toMatchObject({ calls: asked.length, answered: asked.length, unpriced: 0 });
      expect(new Set(data.map((row) => row.model))).toEqual(new Set([model, embeddingModel]));
      const chat = data.find((row) => row.model === model)!;
      expect(chat).toMatchObject({ day: null, purpose: null });
      expect(chat.cost).toBeCloseTo((chat.input_tokens * 1000 + chat.output_tokens * 2000) / 1e6, 6);
      const { input_tokens, output_tokens } = total;
      expect(charged).toMatchObject({ input_tokens, output_tokens, unpriced: 0 });
      expect(charged.cost).toBeCloseTo(total.cost, 6);
      const calls = await flow.listAll(`/api/usage/calls?job=${job.id}&model=${model}`, modelCallSchema);
      expect(calls).toHaveLength(chat.calls);
      expect(calls[0]).toMatchObject({ model, outcome: "answered", kind: "chat", error_code: null });
      expect(calls[0]?.step).not.toBeNull();
      expect(
        (await usageBy("day,purpose")).data.every((row) => row.day !== null && row.purpose !== null),
      ).toBe(true);
    });

    it("asks the model anew for a document that is processed again, though its answers are stored", async () => {
      const chatsOf = (jobId: string) =>
        models.calls.filter(({ kind, job }) => kind === "chat" && job === jobId).length;
      const { document, job } = await flow.postText(`${text} It is spring.`);
      expect((await flow.settled(document.id)).status).toBe("completed");
      expect(chatsOf(job.id)).toBeGreaterThan(0);

      const reply = await flow.send("POST", `/api/documents/${document.id}/reprocess`);

      expect(reply.status).toBe(202);
      expect((await flow.settled(document.id)).status).toBe("completed");
      const again = acceptedDocumentSchema.parse(reply.body).job;
      expect(chatsOf(again.id)).toBe(chatsOf(job.id));
    });

    it("shows it on the command line and in the metrics", async () => {
      const table = await millrace(["usage", "--by", "model"]);
      const json = await millrace(["usage", "--json", "--from", "1h"]);
      const metrics = await flow.send("GET", "/metrics");

      expect(table.stdout).toMatch(/^openai-compatible:fake\t\d+\t0\t0\t/m);
      expect(usageSchema.parse(JSON.parse(json.stdout)).total.calls).toBeGreaterThan(0);
      expect(metrics.body).toMatch(
        /millrace_model_calls_total\{purpose="[^"]+",model="openai-compatible:fake"/,
      );
    });

    it("puts a job off, without using a try up, while a budget is used up", async () => {
      const set = await millrace(["budgets", "set", "installation", "--day-tokens", "1", "--json"]);
      expect(budgetSchema.parse(JSON.parse(set.stdout))).toMatchObject({
        scope: "installation",
        limits: { day_tokens: 1, day_dollars: null },
        state: "exceeded",
        changed_by: "local",
      });
      // Every process knows of it after five seconds at the latest.
      const putOff = await flow.until(
        async () => {
          const { job } = await flow.postText(`${text} ${Math.random()}`);
          return await flow.until(
            () => flow.job(job.id),
            ({ state }) => ["succeeded", "failed", "scheduled"].includes(state),
          );
        },
        ({ state }) => state !== "succeeded",
      );

      expect(putOff).toMatchObject({ state: "scheduled", reason: "snooze" });
      expect(putOff.attempts.map(({ outcome }) => outcome)).toEqual(["snoozed"]);
      const { data } = await flow.get("/api/budgets", pageSchema(budgetSchema));
      expect(data).toMatchObject([{ scope: "installation", state: "exceeded" }]);
      expect((await millrace(["budgets", "ls"])).stdout).toContain("installation\texceeded\t");

      // A forgotten option must not lift it.
      expect((await millrace(["budgets", "set", "installation"])).code).toBe(2);
      expect((await millrace(["budgets", "ls"])).stdout).toContain("installation\texceeded\t");
      expect((await millrace(["budgets", "rm", "installation"])).code).toBe(0);
      expect((await millrace(["budgets", "rm", "installation"])).code).toBe(3);
      expect((await flow.get("/api/budgets", pageSchema(budgetSchema))).data).toEqual([]);
    });

    it.each([
      ["GET", "/api/usage?by=colour", undefined],
      ["GET", "/api/usage?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", undefined],
      ["GET", "/api/usage?days=3", undefined],
      ["PUT", "/api/budgets/installation", { ...noLimits, day_euros: 5 }],
      ["PUT", "/api/budgets/installation", { ...noLimits, day_dollars: -1 }],
      ["PUT", "/api/budgets/installation", {}],
      ["PUT", "/api/budgets/installation", { day_dollars: 5 }],
      ["PUT", "/api/budgets/Instalation", noLimits],
      ["PUT", "/api/budgets/an%20owner", noLimits],
      ["PUT", "/api/budgets/*", noLimits],
    ])("refuses %s %s with %j", async (method, path, json) => {
      const reply = await flow.send(method, path, json === undefined ? {} : { json });

      expect(reply.status).toBe(422);
    });

    it("says what budgets can be for when the owner is misspelt", async () => {
      const reply = await flow.send("PUT", "/api/budgets/Instalation", { json: noLimits });

      expect(codeOf(reply)).toBe("budget_owner_invalid");
      expect(JSON.stringify(reply.body)).toContain("Did you mean installation?");
    });

    it("refuses a cursor that no list gave", async () => {
      const reply = await flow.send("GET", "/api/usage/calls?cursor=x");

      expect(codeOf(reply)).toBe("invalid_cursor");
    });

    // Calls of others can only be put there beside the server.
    if (ground === "embedded") return;

    it("shows nobody the calls, charges and jobs of others", async () => {
      const { queryable } = flow.database!.database;
      const [other, job] = [newId(), newId()];
      const before = await usageBy("model");
      await sql`
        INSERT INTO model_call (id, called_at, owner, job_id, purpose, kind, model, outcome, input_tokens, cost, latency_ms)
        VALUES (${newId()}, now(), ${other}, ${job}, 'test', 'chat', 'of:another', 'answered', 1000, 5, 1)`.execute(
        queryable,
      );
      await recordCharge(queryable, {
        ...{ job, step: "s", owner: other, model: "of:another", cost: 5 },
        usage: { inputTokens: 1000, outputTokens: 0 },
      });

      const after = await usageBy("model");
      const listed = await flow.listAll(`/api/usage/calls?job=${job}`, modelCallSchema);

      expect({ ...after, from: "", to: "" }).toEqual({ ...before, from: "", to: "" });
      expect(listed).toEqual([]);
    });
  });
}
