import { acceptedDocumentSchema } from "@millrace/contracts";
import { startFakeModelServer, waitFor } from "@millrace/testing";
import type { FakeModelServer } from "@millrace/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { codeOf, Flow } from "./flow.ts";
import type { Ground } from "./flow.ts";
import { expectConsistency } from "./invariants.ts";
import { liveSuite } from "./live-suite.ts";
import { whenAsked } from "./when-asked.ts";

const text = "The mill stands by the river. The miller is content with the year and with his dog.";

/** What happens behind the answer when a model server behaves, and when it does not. */
export function modelsSuite(ground: Ground): void {
  let flow: Flow;
  let models: FakeModelServer;
  beforeAll(async () => {
    models = await startFakeModelServer({ port: 0 });
    flow = await Flow.start(ground, {
      CHAT_URL: models.url,
      CHAT_MODEL: "fake",
      EMBEDDING_URL: models.url,
      EMBEDDING_MODEL: "fake-embedding",
      // Each test wants the server to be asked.
      MODEL_CACHE_TTL_SECONDS: "0",
    });
  });
  afterAll(async () => {
    await flow.stop();
    await models.stop();
  });

  const partsAsked = (jobId: string): string[] => {
    const calls = models.calls.filter((call) => call.kind === "chat" && call.job === jobId);
    return [...new Set(calls.map((call) => call.step?.split("/")[0] ?? ""))].toSorted();
  };

  describe(`a model that fails, ${ground}`, () => {
    it("says which part failed, and makes only that one again on request", async () => {
      models.setScript(whenAsked("topics", { kind: "garbage" }));
      const { document, job } = await flow.postText(text);
      const partial = await flow.settled(document.id);

      expect(partial).toMatchObject({ status: "partial", processing_error: null });
      expect(partial.parts).toMatchObject({ summary: "done", topics: "failed" });
      const { topics, is_complete: isComplete } = await flow.analysis(document.id);
      expect(topics).toMatchObject({ state: "failed", error_code: "model_bad_output", result: null });
      expect(isComplete).toBe(false);
      expect(partsAsked(job.id)).toEqual(["analysis", "topics"]);

      models.setScript([]);
      const reply = await flow.send("POST", `/api/documents/${document.id}/retry_failed`);

      expect(reply.status).toBe(202);
      const again = acceptedDocumentSchema.parse(reply.body);
      expect(again.document.parts).toMatchObject({ summary: "done", topics: "pending" });
      expect((await flow.settled(document.id)).status).toBe("completed");
      expect(partsAsked(again.job.id)).toEqual(["topics"]);
    });

    it("makes one part again by name, and refuses for one that is made", async () => {
      models.setScript(whenAsked("sentiment", { kind: "wrong_schema" }));
      const { document } = await flow.postText(text);
      expect((await flow.settled(document.id)).parts.sentiment).toBe("failed");
      models.setScript([]);

      const made = await flow.send("POST", `/api/documents/${document.id}/parts/summary/retry`);
      const reply = await flow.send("POST", `/api/documents/${document.id}/parts/sentiment/retry`);

      expect([made.status, codeOf(made)]).toEqual([409, "nothing_to_retry"]);
      expect(reply.status).toBe(202);
      expect((await flow.settled(document.id)).status).toBe("completed");
      expect(partsAsked(acceptedDocumentSchema.parse(reply.body).job.id)).toEqual(["sentiment"]);
    });

    it("fails with a reason when no part can be made, and succeeds when the job is retried", async () => {
      models.setScript((call) => (call.kind === "chat" ? { kind: "unauthorized" } : undefined));
      const { document, job } = await flow.postText(text);

      const failed = await flow.settled(document.id);

      expect(failed).toMatchObject({ status: "failed", processing_error_code: "analysis_failed" });
      expect(failed.processing_error).toContain("key");
      expect(await flow.job(job.id)).toMatchObject({ state: "failed", attempt: 1 });
      models.setScript([]);
      expect((await flow.send("POST", `/api/jobs/${job.id}/retry`)).status).toBe(202);
      expect(await flow.settled(document.id)).toMatchObject({ status: "completed", job_id: job.id });
      const ended = await flow.job(job.id);
      expect(ended.attempts.map(({ outcome }) => outcome)).toEqual(["succeeded", "failed"]);
    });

    it("waits as long as a rate limit says, holding no slot, and can be cancelled meanwhile", async () => {
      models.setScript((call) =>
        call.kind === "chat" ? { kind: "rate_limit", retryAfterSeconds: 8 } : undefined,
      );
      const { document, job } = await flow.postText(text);

      const waiting = await flow.until(
        () => flow.job(job.id),
        ({ state }) => state === "scheduled",
      );

      // No try is used up: nobody failed.
      expect(waiting).toMatchObject({ reason: "snooze", attempt: 0 });
      expect(waiting.attempts.map(({ outcome }) => outcome)).toEqual(["snoozed"]);
      const endedAt = Date.parse(waiting.attempts[0]?.finished_at ?? "");
      expect(Date.parse(waiting.run_at) - endedAt).toBeGreaterThanOrEqual(7_000);
      expect((await flow.analysis(document.id)).summary).toMatchObject({
        ...{ state: "pending", error_code: "model_rate_limited" },
        reason: expect.stringContaining("takes no more requests"),
      });
      const held = await flow.document(document.id);
      expect(held.status).toBe("processing");
      expect(Object.values(held.parts)).toEqual(["pending", "pending", "pending", "pending"]);
      expect((await flow.send("POST", `/api/documents/${document.id}/cancel_processing`)).status).toBe(202);
      expect((await flow.document(document.id)).status).toBe("cancelled");
      models.setScript([]);
      await flow.expectAlive();
      expect((await flow.send("POST", `/api/documents/${document.id}/retry_failed`)).status).toBe(202);
      expect((await flow.settled(document.id)).status).toBe("completed");
    });

    it("stops a running job at once when it is cancelled or its document deleted", async () => {
      models.setScript((call) => (call.kind === "chat" ? { kind: "hang" } : undefined));
      const cancelled = await flow.postText(text);
      const deleted = await flow.postText(text);
      const runs = async (jobId: string): Promise<unknown> =>
        await flow.until(
          () => Promise.resolve(models.calls.filter((call) => call.job === jobId).length),
          (count) => count > 0,
        );
      await Promise.all([runs(cancelled.job.id), runs(deleted.job.id)]);
      const watched = flow.send("GET", `/api/documents/${deleted.document.id}/events?until=finished`);
      const watchedJob = flow.send("GET", `/api/jobs/${deleted.job.id}/events?until=finished`);

      await flow.send("POST", `/api/jobs/${cancelled.job.id}/cancel`);
      await flow.send("DELETE", `/api/documents/${deleted.document.id}`);

      await flow.until(
        () => Promise.all([flow.job(cancelled.job.id), flow.job(deleted.job.id)]),
        (jobs) => jobs.every(({ state }) => state === "cancelled"),
      );
      expect((await flow.document(cancelled.document.id)).status).toBe("cancelled");
      expect(models.calls.filter(({ outcome }) => outcome === "running")).toEqual([]);
      expect([(await watched).status, (await watchedJob).status]).toEqual([200, 200]);
      models.setScript([]);
    });

    it("hands running jobs back when it is told to stop, and goes on after the next start", async () => {
      models.setScript(whenAsked("summary", { kind: "hold", barrier: `restart-${ground}` }));
      const { document, job } = await flow.postText(text);
      await flow.until(
        () => flow.job(job.id),
        ({ steps }) => steps.filter(({ state }) => state === "done").length >= 3,
      );
      await waitFor(async () => partsAsked(job.id).includes("summary"), {
        describe: "the summary to be asked for",
      });
      const asked = partsAsked(job.id);

      const exitCode = await flow.restart();
      models.release(`restart-${ground}`);

      expect(exitCode).toBe(0);
      expect(asked).toEqual(["analysis", "summary"]);
      expect((await flow.settled(document.id)).status).toBe("completed");
      const ended = await flow.job(job.id);
      expect(ended.attempts.map(({ outcome }) => outcome)).toEqual(["succeeded", "handed_back"]);
      expect(ended).toMatchObject({ attempt: 1, crash_count: 0 });
      const repeated = ended.steps.filter(({ starts }) => starts > 1).map(({ key }) => key);
      expect(repeated).toEqual([expect.stringMatching(/^summary\//)]);
      models.setScript([]);
    });
  });

  liveSuite(ground, () => ({ flow, models }));

  it(`tries again later when the model can't be reached, ${ground}`, async () => {
    await expectConsistency(flow);
    await models.stop();
    const { document, job } = await flow.postText(text);

    const waiting = await flow.until(
      () => flow.job(job.id),
      ({ state }) => state === "scheduled",
    );

    expect(waiting).toMatchObject({ reason: "retry", display_state: "retrying" });
    expect(waiting.attempts[0]?.error?.code).toBe("model_unreachable");
    expect((await flow.document(document.id)).status).toBe("processing");
    await flow.send("POST", `/api/jobs/${job.id}/cancel`);
    await expectConsistency(flow);
  });
}
