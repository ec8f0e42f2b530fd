import { logLineSchema, modelCallSchema, pageSchema, usageSchema } from "@millrace/contracts";
import type { AcceptedDocument, JobDetail, Usage } from "@millrace/contracts";
import { startFakeModelServer, startFaultProxy } from "@millrace/testing";
import type { Behaviour, FakeModelServer, FaultProxy, ModelCall } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { Flow } from "./flow.ts";
import type { Ground } from "./flow.ts";
import { allProcessed, forEachInTurns, hurryRetries } from "./many-documents.ts";

const isNightly = process.env["MILLRACE_NIGHTLY"] === "1";
/** Places of a model in the server's process. */
const atOnce = 8;
const timeoutMs = isNightly ? 1_200_000 : 180_000;

/** Faults of a model's server with the queue behind: what becomes of jobs, of charges, and of the server. */
export function modelFaultsSuite(ground: Ground): void {
  let flow: Flow;
  let models: FakeModelServer;
  let proxy: FaultProxy;
  beforeAll(async () => {
    models = await startFakeModelServer({ port: 0 });
    proxy = await startFaultProxy({ target: models.url });
    flow = await Flow.start(ground, {
      CHAT_URL: proxy.through(models.url),
      CHAT_MODEL: "fake",
      EMBEDDING_URL: proxy.through(models.url),
      EMBEDDING_MODEL: "fake-embedding",
      MODEL_CONCURRENCY: `${atOnce}`,
      WORKER_CONCURRENCY: "12",
    });
  });
  afterEach(() => models.setScript([]));
  afterAll(async () => {
    await flow.stop();
    await proxy.stop();
    await models.stop();
  });

  const post = (row: string, count: number): Promise<AcceptedDocument[]> =>
    forEachInTurns(Array.from({ length: count }), (_none, index) => flow.postText(textOf(row, index)));
  const jobsOf = (accepted: readonly AcceptedDocument[]): Promise<JobDetail[]> =>
    forEachInTurns(accepted, ({ job }) => flow.job(job.id));
  const chatsSince = (before: number): ModelCall[] =>
    models.calls.slice(before).filter(({ kind }) => kind === "chat");
  const usage = (): Promise<Usage> => flow.get("/api/usage?by=model", usageSchema);
  const expectAllCompleted = async (accepted: readonly AcceptedDocument[]): Promise<JobDetail[]> => {
    await allProcessed(flow, timeoutMs);
    const documents = await forEachInTurns(accepted, ({ document }) => flow.document(document.id));
    expect(new Set(documents.map(({ status }) => status))).toEqual(new Set(["completed"]));
    return await jobsOf(accepted);
  };

  describe(`faults of a model's server, ${ground}`, () => {
    it(
      "L3: a storm of refusals fails nothing, uses no try up, and makes hardly more calls than are allowed",
      async () => {
        const before = models.calls.length;
        models.setScript(allowInTurns(5));
        const accepted = await post("L3", isNightly ? 1000 : 20);

        const jobs = await expectAllCompleted(accepted);

        expect(new Set(jobs.map(({ attempt }) => attempt))).toEqual(new Set([1]));
        const outcomes = new Set(jobs.flatMap(({ attempts }) => attempts.map(({ outcome }) => outcome)));
        expect([...outcomes].filter((outcome) => outcome !== "snoozed")).toEqual(["succeeded"]);
        const chats = chatsSince(before);
        const allowed = chats.filter(({ behaviour }) => behaviour === "answer").length;
        expect(allowed).toBe(accepted.length);
        expect(chats.length).toBeGreaterThan(allowed);
        expect(chats.length).toBeLessThanOrEqual(allowed * 1.5);
      },
      timeoutMs,
    );

    it(
      "L3: a job that is put off again and again says once why",
      async () => {
        models.setScript((call) =>
          call.kind === "chat" ? { kind: "rate_limit", retryAfterMs: 100 } : undefined,
        );
        const [accepted] = await post("L3 again", 1);
        const jobId = accepted?.job.id ?? "";
        const isPutOff = (job: JobDetail): boolean => job.attempts.length >= 3 && job.state === "scheduled";
        const job = await flow.until(() => flow.job(jobId), isPutOff, timeoutMs);
        models.setScript([]);

        expect(job).toMatchObject({ reason: "snooze", attempt: 0 });
        const { data: lines } = await flow.get(`/api/jobs/${jobId}/logs`, pageSchema(logLineSchema));
        expect(lines.filter(({ message }) => message.startsWith("Summary:"))).toHaveLength(1);
        expect((await flow.settled(accepted?.document.id ?? "")).status).toBe("completed");
      },
      timeoutMs,
    );

    it("L10: counts that can't be right are no counts, and no charge is below nothing", async () => {
      const before = (await usage()).charged;
      for (const counted of ["missing", "negative", "huge", "text"] as const) {
        models.setScript((call) => (call.kind === "chat" ? { kind: "answer", usage: counted } : undefined));
        const [accepted] = await post(`L10 ${counted}`, 1);
        expect((await flow.settled(accepted?.document.id ?? "")).status).toBe("completed");
      }

      const { charged } = await usage();
      // A batch of vectors and an answer for each.
      expect(charged.steps - before.steps).toBe(8);
      const grown = charged.input_tokens - before.input_tokens;
      expect(grown).toBeGreaterThan(0);
      expect(grown).toBeLessThan(10_000);
      expect(charged.output_tokens).toBe(before.output_tokens);
    });

    it("L11: a model that only ever asks for tools is asked a few times, and fails for good", async () => {
      const before = models.calls.length;
      const askForTool: Behaviour = {
        kind: "tool_calls",
        calls: [{ name: "search", input: { query: "x" } }],
      };
      models.setScript((call) => (call.kind === "chat" ? askForTool : undefined));
      const [accepted] = await post("L11", 1);

      const document = await flow.settled(accepted?.document.id ?? "");

      expect(document).toMatchObject({ status: "failed", processing_error_code: "analysis_failed" });
      expect(await flow.job(accepted?.job.id ?? "")).toMatchObject({ state: "failed", attempt: 1 });
      // For all parts together and for each alone, and once more each for its form.
      expect(chatsSince(before).length).toBeLessThanOrEqual(10);
    });

    it("L15: vectors of another length fail the document, are not kept, and leave the others to be found", async () => {
      const [first] = await post("L15 first", 1);
      expect((await flow.settled(first?.document.id ?? "")).status).toBe("completed");
      models.setScript((call) =>
        call.kind === "embeddings" ? { kind: "other_dimensions", dimensions: 5 } : undefined,
      );
      const [second] = await post("L15 second", 1);
      const secondId = second?.document.id ?? "";

      const failed = await flow.settled(secondId);

      expect(failed).toMatchObject({ status: "failed", processing_error_code: "embedding_mismatch" });
      models.setScript([]);
      const found = await flow.send("GET", "/api/search?q=miller%20L15");
      expect(found.status).toBe(200);
      expect(JSON.stringify(found.body)).toContain(first?.document.id);
      expect((await flow.send("POST", `/api/jobs/${second?.job.id}/retry`)).status).toBe(202);
      expect((await flow.settled(secondId)).status).toBe("completed");
    });

    // Tries that were used up come back within a minute or more: only a database that can be reached hurries them.
    if (ground === "embedded") return;

    it("L1: while a model takes its time no transaction is open", async () => {
      models.setScript((call) => (call.kind === "chat" ? { kind: "hold", barrier: "slow" } : undefined));
      const [accepted] = await post("L1", 1);
      const call = await flow.until(
        async () => chatsSince(0).find(({ job }) => job === accepted?.job.id),
        (found) => found !== undefined,
      );
      // As long as no statement of ours takes.
      await flow.until(
        async () => Date.now() - Date.parse(call?.startedAt ?? ""),
        (heldMs) => heldMs > 3_000,
      );

      const open = await sql`
        SELECT state, query FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
          AND xact_start < now() - interval '2 seconds'`.execute(flow.database!.database.queryable);

      models.release("slow");
      expect(open.rows).toEqual([]);
      expect((await flow.settled(accepted?.document.id ?? "")).status).toBe("completed");
    });

    it(
      "L4: a third of all calls that fail cost tries, and no call more",
      async () => {
        const before = models.calls.length;
        const { charged } = await usage();
        models.setScript(failSome(0.3));
        const accepted = await post("L4", isNightly ? 200 : 12);

        await hurryRetries(flow, () => allProcessed(flow, timeoutMs));

        const jobs = await expectAllCompleted(accepted);
        const calls = models.calls.slice(before);
        const failed = calls.filter(({ behaviour }) => behaviour === "server_error");
        expect(failed.length).toBeGreaterThan(0);
        // One batch of vectors and one answer for each, whatever failed before: nothing is asked twice in an attempt.
        expect(calls.length - failed.length).toBe(accepted.length * 2);
        const triesUsedUp = jobs.reduce((sum, { attempt }) => sum + attempt - 1, 0);
        expect(triesUsedUp).toBe(failed.length);
        expect((await usage()).charged.steps - charged.steps).toBe(accepted.length * 2);
      },
      timeoutMs,
    );

    it(
      "L9: an answer that is lost with its connection is asked for again, listed twice and charged once",
      async () => {
        const { charged } = await usage();
        models.setScript((call) => (call.kind === "chat" ? { kind: "hold", barrier: "lost" } : undefined));
        const [accepted] = await post("L9", 1);
        const jobId = accepted?.job.id ?? "";
        const callsOf = () => models.calls.filter(({ job, kind }) => job === jobId && kind === "chat");
        await flow.until(
          async () => callsOf().length,
          (count) => count === 1,
        );
        proxy.set({ kind: "black_hole" }, { direction: "to_client" });
        models.release("lost");
        await flow.until(
          async () => callsOf()[0]?.outcome,
          (outcome) => outcome === "answered",
        );

        proxy.reset();
        proxy.restore();
        models.setScript([]);

        await hurryRetries(flow, () => allProcessed(flow, timeoutMs));
        await expectAllCompleted(accepted === undefined ? [] : [accepted]);
        const listed = await flow.until(
          () => flow.listAll(`/api/usage/calls?job=${jobId}&purpose=document.analysis`, modelCallSchema),
          (calls) => calls.length === 2,
        );
        expect(listed.map(({ outcome, error_code: code }) => [outcome, code])).toEqual([
          ["answered", null],
          ["failed", "model_unreachable"],
        ]);
        const paid = (await usage()).charged;
        const answers = callsOf();
        expect(answers.map(({ outcome }) => outcome)).toEqual(["answered", "answered"]);
        expect(paid.steps - charged.steps).toBe(2);
        expect(paid.output_tokens - charged.output_tokens).toBe(answers.at(-1)?.usage?.completion_tokens);
      },
      timeoutMs,
    );

    it(
      "L14: while the server is away nothing fails, and it is come back to slowly",
      async () => {
        models.setScript((call) =>
          call.kind === "chat" ? { kind: "server_error", status: 503 } : undefined,
        );
        const before = models.calls.length;
        const accepted = await post("L14", isNightly ? 1000 : 24);
        const some = accepted.filter((_one, index) => index % Math.ceil(accepted.length / 24) === 0);
        await flow.until(
          () => jobsOf(some),
          (jobs) => jobs.every(({ attempts }) => attempts.some(({ outcome }) => outcome !== null)),
          timeoutMs,
        );
        const inVain = chatsSince(before).length;

        const backAt = models.calls.length;
        models.setScript((call) => (call.kind === "chat" ? { kind: "answer", delayMs: 50 } : undefined));
        await hurryRetries(flow, () => allProcessed(flow, timeoutMs));

        const jobs = await expectAllCompleted(accepted);
        // Five until it is left alone, those that were under way then, and a few that find out whether it is back.
        expect(inVain).toBeGreaterThanOrEqual(5);
        expect(inVain).toBeLessThanOrEqual(5 + atOnce + 5);
        expect(jobs.reduce((sum, { attempt }) => sum + attempt - 1, 0)).toBe(inVain);
        expectSlowStart(chatsSince(backAt));
      },
      timeoutMs,
    );
  });
}

function textOf(row: string, index: number): string {
  return `The mill of row ${row}, number ${index}, stands by the river. The miller is content with the year and his dog.`;
}

/** So many chat calls at a time; the next one is refused, in one of the ways that servers have, and all within a second of it. */
function allowInTurns(allowed: number): (call: ModelCall) => Behaviour | undefined {
  let accepted = 0;
  let refusesUntil = 0;
  return ({ kind, number }) => {
    if (kind !== "chat") return undefined;
    const now = Date.now();
    if (now >= refusesUntil && accepted < allowed) {
      accepted += 1;
      return undefined;
    }
    if (now >= refusesUntil) [accepted, refusesUntil] = [0, now + 1000];
    const ways: readonly Behaviour[] = [
      { kind: "rate_limit", retryAfterSeconds: 1 },
      { kind: "rate_limit", retryAfterMs: 1000 },
      { kind: "rate_limit", retryAfter: new Date(now + 2000).toUTCString() },
    ];
    return ways[number % ways.length];
  };
}

/** This share of the first calls fails, and of each job three at most: it must not run out of tries. */
function failSome(share: number): (call: ModelCall) => Behaviour | undefined {
  const statuses = [500, 502, 503, 529];
  const failures = new Map<string, number>();
  return ({ job = "", number }) => {
    const failed = failures.get(job) ?? 0;
    if (number % 10 >= share * 10 || failed >= 3) return undefined;
    failures.set(job, failed + 1);
    return { kind: "server_error", status: statuses[number % statuses.length] ?? 500 };
  };
}

/** However many wait: each call began when at least as many had been answered as ran beside it. */
function expectSlowStart(calls: readonly ModelCall[]): void {
  const starts = calls.map(({ startedAt }) => startedAt);
  for (const [index, startedAt] of starts.slice(0, atOnce).entries()) {
    const earlier = calls.slice(0, index);
    const answered = earlier.filter(({ endedAt }) => endedAt !== undefined && endedAt <= startedAt).length;
    expect(index - answered, `beside call ${index + 1}`).toBeLessThanOrEqual(answered);
  }
}
