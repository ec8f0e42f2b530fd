import {
  acceptedSummarySchema,
  logLineSchema,
  pageSchema,
  isSummaryOver,
  summaryDetailSchema,
  summaryMessageSchema,
  summarySchema,
} from "@millrace/contracts";
import type { AcceptedSummary, SummaryDetail, SummaryMessage } from "@millrace/contracts";
import { SocketClient } from "@millrace/live/testing";
import { startFakeModelServer } from "@millrace/testing";
import type { FakeModelServer } from "@millrace/testing";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { runCommand } from "../cli/command.ts";
import { codeOf, Flow } from "./flow.ts";
import type { Ground } from "./flow.ts";

const model = "openai-compatible:fake";
const turnStep = "task/summarise/turn/1";

/** Another text each time, so that no test takes the summary of another. */
function someText(about: string, sentences = 6): string {
  const lines = Array.from(
    { length: sentences },
    (_value, index) => `The miller of ${about} writes down in line ${index} what the river did that day.`,
  );
  return lines.join(" ");
}

/** What can be done with summaries, and what happens to them. */
class SummaryFlow {
  readonly flow: Flow;

  constructor(flow: Flow) {
    this.flow = flow;
  }

  async post(json: Record<string, unknown>, headers: Record<string, string> = {}): Promise<AcceptedSummary> {
    const reply = await this.flow.send("POST", "/api/summaries", { json, headers });
    expect(reply.status, JSON.stringify(reply.body)).toBe(202);
    return acceptedSummarySchema.parse(reply.body);
  }

  get(id: string): Promise<SummaryDetail> {
    return this.flow.get(`/api/summaries/${id}`, summaryDetailSchema);
  }

  settled(id: string): Promise<SummaryDetail> {
    return this.flow.until(
      () => this.get(id),
      (summary) => isSummaryOver(summary.state),
      90_000,
    );
  }

  open(query = ""): Promise<SocketClient<SummaryMessage>> {
    const url = this.flow.url.replace("http", "ws");
    return new SocketClient<SummaryMessage>(`${url}/ws/summary/${query}`).opened();
  }

  /** Messages up to the first with this status. */
  async until(
    socket: SocketClient<SummaryMessage>,
    status: SummaryMessage["status"],
  ): Promise<SummaryMessage[]> {
    const messages: SummaryMessage[] = [];
    for (;;) {
      const message = summaryMessageSchema.parse(await socket.next(30_000));
      messages.push(message);
      if (message.status === status) return messages;
    }
  }
}

/** Summaries on a server without a chat model. */
export function extractiveSuite(ground: Ground): void {
  let summaries: SummaryFlow;
  beforeAll(async () => {
    summaries = new SummaryFlow(await Flow.start(ground));
  });
  afterAll(() => summaries.flow.stop());

  describe(`summaries without a model, ${ground}`, () => {
    it("are taken out of the text, and say so", async () => {
      const reply = await summaries.flow.send("POST", "/api/summaries", {
        json: { text: someText("Aarle"), title: "A diary" },
      });

      expect(reply.status).toBe(202);
      const { summary, job } = acceptedSummarySchema.parse(reply.body);
      expect(reply.headers.get("location")).toBe(`/api/jobs/${job.id}`);
      expect(reply.headers.get("content-location")).toBe(`/api/summaries/${summary.id}`);
      const made = await summaries.settled(summary.id);
      expect(made).toMatchObject({
        title: "A diary",
        state: "completed",
        model: "builtin:extractive-1",
        extractive: true,
        coverage: 1,
        prompts: [],
        text: someText("Aarle"),
        text_language: "en",
        usage: { cost: 0 },
        reused_from: null,
        error: null,
      });
      expect(someText("Aarle")).toContain(made.result?.split(". ")[0]);
    });

    it("are waited for when a request asks for it", async () => {
      const reply = await summaries.flow.send("POST", "/api/summaries", {
        json: { text: someText("Best") },
        headers: { prefer: "wait=30" },
      });

      expect(reply.status).toBe(201);
      expect(acceptedSummarySchema.parse(reply.body).summary.state).toBe("completed");
    });

    it("are of texts far longer than one reading", async () => {
      const { summary } = await summaries.post({ text: someText("Cuijk", 11_000) });

      expect(await summaries.settled(summary.id)).toMatchObject({ state: "completed", extractive: true });
    });

    it("are made once for a key that is sent twice", async () => {
      const headers = { "idempotency-key": '"diary-1"' };
      const first = await summaries.post({ text: someText("Deurne") }, headers);
      const again = await summaries.flow.send("POST", "/api/summaries", {
        json: { text: someText("Deurne") },
        headers,
      });
      const other = await summaries.flow.send("POST", "/api/summaries", {
        json: { text: someText("Eersel") },
        headers,
      });

      expect(again.headers.get("idempotent-replayed")).toBe("true");
      expect(acceptedSummarySchema.parse(again.body).summary.id).toBe(first.summary.id);
      expect([other.status, codeOf(other)]).toEqual([422, "idempotency_key_reused"]);
    });

    it.each([
      { what: "a text without a character", json: { text: " \u200b\n" }, answer: [422, "text_empty"] },
      { what: "a book", json: { text: "x".repeat(1_000_001) }, answer: [413, "text_too_long"] },
      { what: "an unknown field", json: { text: "A text.", tone: "kind" }, answer: [422, "invalid_request"] },
      {
        what: "no language",
        json: { text: "A text.", language: "of love" },
        answer: [422, "invalid_request"],
      },
      { what: "no text", json: {}, answer: [422, "invalid_request"] },
    ])("are refused for $what", async ({ json, answer }) => {
      const reply = await summaries.flow.send("POST", "/api/summaries", { json });

      expect([reply.status, codeOf(reply)]).toEqual(answer);
    });

    it("fail with a reason when a text has nothing to summarise", async () => {
      const { summary } = await summaries.post({ text: "0 1 2 3 4 5 6 7 8 9 ".repeat(300) });

      const failed = await summaries.settled(summary.id);

      expect(failed).toMatchObject({ state: "failed", error_code: "text_without_sentences", result: null });
    });

    it("are listed page by page, newest first, and deleted with their text", async () => {
      const all = await summaries.flow.listAll("/api/summaries", summarySchema, 2);
      const ids = all.map(({ id }) => id);
      expect(ids).toEqual(ids.toSorted().toReversed());
      const [newest = ""] = ids;
      await summaries.settled(newest);

      const cancelled = await summaries.flow.send("POST", `/api/summaries/${newest}/cancel`);
      const removed = await summaries.flow.send("DELETE", `/api/summaries/${newest}`);
      const gone = await summaries.flow.send("GET", `/api/summaries/${newest}`);

      expect([cancelled.status, codeOf(cancelled)]).toEqual([409, "already_finished"]);
      expect(removed.status).toBe(204);
      expect([gone.status, codeOf(gone)]).toEqual([404, "summary_not_found"]);
    });

    it("are made, found and deleted at the command line", async () => {
      const { folder, url } = summaries.flow;
      const millrace = (words: readonly string[], input?: string) =>
        runCommand(["summaries", ...words], {
          ...{ folder, environment: { MILLRACE_URL: url } },
          ...(input === undefined ? {} : { input }),
        });

      const made = await millrace(["make", "-", "--title", "Of ferrymen"], someText("Zundert"));
      const listed = await millrace(["ls", "--search", "ferrym zundert", "--json"]);

      expect([made.code, made.stdout]).toEqual([0, expect.stringContaining("Zundert")]);
      const [found] = z.array(summarySchema).parse(JSON.parse(listed.stdout));
      expect(found).toMatchObject({ title: "Of ferrymen", state: "completed" });
      expect((await millrace(["rm", found?.id ?? ""])).code).toBe(0);
      expect((await millrace(["get", found?.id ?? ""])).code).toBe(3);
    });

    it("are told in the article's words over its socket", async () => {
      const socket = await summaries.open();
      socket.send({ text: someText("Forum") });

      const messages = await summaries.until(socket, "done");

      await socket.close();
      expect(messages[0]).toMatchObject({ status: "starting", message: "Received: The miller..." });
      expect(messages[1]).toMatchObject({
        status: "processing",
        message: "Started processing: The miller...",
      });
      const { id } = messages[0]!;
      expect(messages.every((message) => message.id === id)).toBe(true);
      expect((await summaries.get(id ?? "")).result).toBe(messages.at(-1)?.message);
    });

    it("are answered with an error over the socket, which stays open", async () => {
      const socket = await summaries.open();
      for (const sent of ["{", { text: "" }, { text: "A", tone: "kind" }, { id: someId }]) socket.send(sent);

      const answers = await socket.take(4);
      socket.send({ text: someText("Gemert") });
      const after = await summaries.until(socket, "done");

      await socket.close();
      expect(answers.map(({ status, error_code: code }) => [status, code])).toEqual([
        ["error", "malformed_frame"],
        ["error", "text_empty"],
        ["error", "malformed_frame"],
        ["error", "summary_not_found"],
      ]);
      expect(after.at(-1)?.status).toBe("done");
    });
  });
}

const someId = "01900000-0000-7000-8000-0000000000ff";

/** Summaries of an installation whose model may be away, and whose operator prefers extracts to waiting. */
export function fallbackSuite(ground: Ground): void {
  let summaries: SummaryFlow;
  let models: FakeModelServer;
  beforeAll(async () => {
    models = await startFakeModelServer({ port: 0 });
    const environment = { CHAT_URL: models.url, CHAT_MODEL: "fake", CHAT_FALLBACK: "builtin" };
    summaries = new SummaryFlow(await Flow.start(ground, environment));
  });
  afterAll(async () => {
    await summaries.flow.stop();
    await models.stop();
  });

  describe(`summaries with the built-in model to turn to, ${ground}`, () => {
    it("are taken out of the text while the model can't serve, say so, and are no summary of the model's", async () => {
      models.setScript(() => ({ kind: "server_error" }));
      const text = someText("Oirschot");
      const first = await summaries.post({ text });

      const extract = await summaries.settled(first.summary.id);

      expect(extract).toMatchObject({
        state: "completed",
        model: "builtin:extractive-1",
        extractive: true,
        usage: { cost: 0 },
      });
      expect(text).toContain(extract.result?.split(". ")[0]);
      const { data: lines } = await summaries.flow.get(
        `/api/jobs/${first.job.id}/logs`,
        pageSchema(logLineSchema),
      );
      expect(lines.map(({ message }) => message).join()).toContain("taken out of the text instead");
      models.setScript(() => ({ kind: "answer", content: "The river rose and fell." }));
      const written = await summaries.settled((await summaries.post({ text })).summary.id);
      expect(written).toMatchObject({
        result: "The river rose and fell.",
        extractive: false,
        reused_from: null,
      });
    });

    it("wait for a model that only takes no more requests", async () => {
      models.setScript(() => ({ kind: "rate_limit", retryAfterSeconds: 60 }));
      const { job } = await summaries.post({ text: someText("Putten") });

      const waiting = await summaries.flow.until(
        () => summaries.flow.job(job.id),
        ({ state }) => state !== "queued" && state !== "running",
      );

      expect(waiting).toMatchObject({ state: "scheduled", reason: "snooze" });
    });
  });
}

/** Summaries written by the crew, when its model behaves and when it does not. */
export function writtenSuite(ground: Ground): void {
  let flow: Flow;
  let models: FakeModelServer;
  let summaries: SummaryFlow;
  beforeAll(async () => {
    models = await startFakeModelServer({ port: 0 });
    flow = await Flow.start(ground, {
      CHAT_URL: models.url,
      CHAT_MODEL: "fake",
      CHAT_CONTEXT_TOKENS: "4000",
      // On PostgreSQL others wait so long for the jobs of a process that was killed.
      WORKER_LEASE_SECONDS: "3",
    });
    summaries = new SummaryFlow(flow);
  });
  beforeEach(() => models.setScript(() => ({ kind: "answer", content: "The river rose and fell." })));
  afterAll(async () => {
    await flow.stop();
    await models.stop();
  });

  const stepsAsked = (jobId: string): string[] =>
    models.calls.filter((call) => call.job === jobId).map((call) => call.step ?? "");

  describe(`summaries by the crew, ${ground}`, () => {
    it("are written by the model, charged once, and leave nothing of the text in the job", async () => {
      const text = someText("Heeze");
      const { summary, job } = await summaries.post({ text, language: "nl" });

      const made = await summaries.settled(summary.id);

      expect(made).toMatchObject({
        state: "completed",
        result: "The river rose and fell.",
        model,
        extractive: false,
        coverage: 1,
      });
      expect(made.prompts).toContain("crew.agent@1");
      expect(made.usage?.input_tokens).toBeGreaterThan(0);
      expect(stepsAsked(job.id)).toEqual([turnStep]);
      const reply = await flow.send("GET", `/api/jobs/${job.id}`);
      expect(JSON.stringify(reply.body)).not.toContain("what the river did");
      const told = await flow.send("GET", `/api/summaries/${summary.id}/events?until=finished`);
      expect(told.body).toContain("event: crew.text_written");
      expect(told.body).not.toContain("what the river did");
    });

    it("are taken over for the same text, and made anew when that is asked for", async () => {
      const text = someText("Imde");
      const first = await summaries.post({ text });
      await summaries.settled(first.summary.id);
      const calls = models.calls.length;

      const same = await summaries.settled((await summaries.post({ text })).summary.id);
      expect(models.calls.length).toBe(calls);
      const other = await summaries.settled((await summaries.post({ text, language: "fr" })).summary.id);
      const fresh = await summaries.settled((await summaries.post({ text, fresh: true })).summary.id);

      expect(same).toMatchObject({
        state: "completed",
        model,
        usage: { input_tokens: 0, output_tokens: 0, cost: 0 },
        reused_from: { summary_id: first.summary.id, score: 1 },
      });
      expect([other.reused_from, fresh.reused_from]).toEqual([null, null]);
      expect(models.calls.length).toBe(calls + 2);
    });

    it("are one call for two equal requests at once", async () => {
      models.setScript(() => ({ kind: "hold", barrier: `twins-${ground}` }));
      const text = someText("Jutphaas");
      const twins = await Promise.all([summaries.post({ text }), summaries.post({ text })]);
      const isAsked = ({ job }: AcceptedSummary): boolean => stepsAsked(job.id).length > 0;
      await flow.until(
        () => Promise.all(twins.map(({ job }) => flow.job(job.id))),
        (jobs) => jobs.some(({ state }) => state === "scheduled") && twins.some(isAsked),
      );
      const asked = twins.filter(isAsked);
      const [other] = twins.filter((twin) => !isAsked(twin));

      models.release(`twins-${ground}`);

      const made = await Promise.all(asked.map(({ summary }) => summaries.settled(summary.id)));
      expect(made).toMatchObject([{ state: "completed", reused_from: null }]);
      expect(await summaries.settled(other?.summary.id ?? "")).toMatchObject({
        result: made[0]?.result,
        reused_from: { summary_id: made[0]?.id },
      });
      expect(asked.flatMap(({ job }) => stepsAsked(job.id))).toEqual([turnStep]);
      expect(stepsAsked(other?.job.id ?? "")).toEqual([]);
    });

    it("go on after a reconnect with what was missed, once, and are there for who asks later", async () => {
      models.setScript(() => ({ kind: "hold", barrier: `away-${ground}` }));
      const first = await summaries.open();
      first.send({ text: someText("Kessel") });
      const before = await first.take(3);
      await first.close();
      const id = before[0]?.id ?? "";
      models.release(`away-${ground}`);
      await summaries.settled(id);

      const second = await summaries.open(`?since=${before.at(-1)?.seq}`);
      second.send({ id });
      const after = await summaries.until(second, "done");
      await second.close();
      const third = await summaries.open();
      third.send({ id });
      const later = await third.next();
      third.send({ id, since: 0 });
      const all = await summaries.until(third, "done");
      await third.close();

      expect([...before, ...after]).toEqual(all);
      const numbers = all.map(({ seq }) => seq ?? 0);
      expect(numbers).toEqual([...new Set(numbers)].toSorted((a, b) => a - b));
      expect(later).toEqual(all.at(-1));
    });

    it("go on where they were when the process is killed in the middle of a long text", async () => {
      let count = 0;
      models.setScript(({ step }) => {
        if (step?.startsWith("stretch/") !== true) return { kind: "answer", content: "All in all." };
        count += 1;
        return count > 3
          ? { kind: "hold", barrier: `killed-${ground}` }
          : { kind: "answer", content: JSON.stringify({ text: `Stretch ${count} told of the river.` }) };
      });
      const { summary, job } = await summaries.post({ text: someText("Lith", 600) });
      const recorded = async () =>
        (await flow.job(job.id)).steps.filter((step) => step.state === "done").map((step) => step.key);
      const before = await flow.until(
        recorded,
        (keys) => keys.filter((key) => key.startsWith("stretch/")).length >= 3,
      );

      await flow.server.kill9();
      models.release(`killed-${ground}`);
      const callsBefore = models.calls.length;
      await flow.restart();

      const made = await summaries.settled(summary.id);
      expect(made).toMatchObject({ state: "completed", result: "All in all.", coverage: 1 });
      const askedAgain = models.calls.slice(callsBefore).map(({ step }) => step ?? "");
      expect(askedAgain.filter((step) => before.includes(step))).toEqual([]);
      expect(askedAgain.at(-1)).toBe(turnStep);
    });

    it("can be cancelled while the model hangs, and deleted", async () => {
      models.setScript(() => ({ kind: "hang" }));
      const cancelled = await summaries.post({ text: someText("Mook") });
      const deleted = await summaries.post({ text: someText("Nuenen") });
      await flow.until(
        async () => [...stepsAsked(cancelled.job.id), ...stepsAsked(deleted.job.id)],
        (steps) => steps.length === 2,
      );
      const socket = await summaries.open();
      socket.send({ id: deleted.summary.id });
      await socket.next();

      const reply = await flow.send("POST", `/api/summaries/${cancelled.summary.id}/cancel`);
      const removed = await flow.send("DELETE", `/api/summaries/${deleted.summary.id}`);

      expect([reply.status, removed.status]).toEqual([202, 204]);
      expect(await summaries.settled(cancelled.summary.id)).toMatchObject({
        state: "cancelled",
        result: null,
      });
      const told = (await summaries.until(socket, "error")).at(-1);
      expect(told).toMatchObject({ status: "error", id: deleted.summary.id });
      await socket.close();
      await flow.until(
        () => flow.job(deleted.job.id),
        (job) => job.state === "cancelled",
      );
    });

    it("fail with a reason, and are made when the job is retried", async () => {
      models.setScript(() => ({ kind: "unauthorized" }));
      const { summary, job } = await summaries.post({ text: someText("Oss") });
      const failed = await summaries.settled(summary.id);
      models.setScript(() => ({ kind: "answer", content: "The river rose and fell." }));

      await flow.send("POST", `/api/jobs/${job.id}/retry`);
      const made = await flow.until(
        () => summaries.get(summary.id),
        ({ state }) => state === "completed",
      );

      expect(failed).toMatchObject({ state: "failed", error_code: "model_unauthorized" });
      expect(made).toMatchObject({ result: "The river rose and fell.", error: null });
    });

    it("wait for a model that is away, and are made when it is back", async () => {
      const { port } = new URL(models.url);
      await models.stop();
      const { summary, job } = await summaries.post({ text: someText("Putten") });
      await flow.until(
        () => flow.job(job.id),
        ({ state }) => state === "scheduled",
      );
      expect((await summaries.get(summary.id)).state).toBe("processing");

      models = await startFakeModelServer({ port: Number(port) });
      models.setScript(() => ({ kind: "answer", content: "The river came back." }));
      await flow.send("POST", `/api/jobs/${job.id}/cancel`);
      await flow.send("POST", `/api/jobs/${job.id}/retry`);

      const made = await flow.until(
        () => summaries.get(summary.id),
        ({ state }) => state === "completed",
      );
      expect(made.result).toBe("The river came back.");
    });
  });
}
