import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  acceptedDocumentSchema,
  acceptedQuestionSchema,
  isQuestionOver,
  questionSchema,
} from "@millrace/contracts";
import type { AcceptedQuestion, Question } from "@millrace/contracts";
import { startFakeModelServer } from "@millrace/testing";
import type { BehaviourScript, FakeModelServer } from "@millrace/testing";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { runCommand } from "../cli/command.ts";
import { codeOf, Flow } from "./flow.ts";
import type { Ground } from "./flow.ts";

const model = "openai-compatible:fake";
const mill =
  "# The water mill\n\nThe mill was built in 1742 by Pieter Molenaar. It grinds rye on two days of the week.\n\n# The dog\n\nThe miller has a dog that barks at night.";
const harbour = "The harbour has three cranes. The largest crane lifts forty tonnes.";

/** What can be done with questions, and what happens to them. */
class AskFlow {
  readonly flow: Flow;

  constructor(flow: Flow) {
    this.flow = flow;
  }

  /** A document that can be found. */
  async add(text: string): Promise<string> {
    const { document } = await this.flow.postText(text);
    await this.flow.settled(document.id, 90_000);
    return document.id;
  }

  async ask(
    question: string,
    more: Record<string, unknown> = {},
    headers: Record<string, string> = {},
  ): Promise<AcceptedQuestion> {
    const reply = await this.flow.send("POST", "/api/ask", { json: { question, ...more }, headers });
    expect(reply.status, JSON.stringify(reply.body)).toBe(202);
    return acceptedQuestionSchema.parse(reply.body);
  }

  get(id: string): Promise<Question> {
    return this.flow.get(`/api/ask/${id}`, questionSchema);
  }

  settled(id: string): Promise<Question> {
    return this.flow.until(
      () => this.get(id),
      ({ state }) => isQuestionOver(state),
      90_000,
    );
  }

  async answer(question: string, more: Record<string, unknown> = {}): Promise<Question> {
    return await this.settled((await this.ask(question, more)).question.id);
  }

  /** Everything that was told of a question. */
  async told(id: string): Promise<string> {
    return String((await this.flow.send("GET", `/api/ask/${id}/events?until=finished`)).body);
  }
}

/** A model that has found what it is asked for. */
function answering(answer: string, citations: readonly { passage: number; quote: string }[]) {
  return {
    kind: "answer",
    content: JSON.stringify({ found: answer !== "", answer, citations }),
  } as const;
}

/** Only questions are answered so: documents are analysed meanwhile. */
function whenAsked(behaviour: ReturnType<Exclude<BehaviourScript, readonly unknown[]>>): BehaviourScript {
  return ({ purpose }) => (purpose === "ask.answer" ? behaviour : undefined);
}

/** Questions on a server without a chat model. */
export function quotedSuite(ground: Ground): void {
  let asking: AskFlow;
  let unread: Question;
  let millId: string;
  let harbourId: string;
  beforeAll(async () => {
    asking = new AskFlow(await Flow.start(ground));
    unread = await asking.answer("Who built the mill?");
    [millId, harbourId] = await Promise.all([asking.add(mill), asking.add(harbour)]);
  });
  afterAll(() => asking.flow.stop());

  describe(`questions without a model, ${ground}`, () => {
    it("are not answered while there is nothing to read", () => {
      expect(unread).toMatchObject({
        state: "completed",
        outcome: "not_found",
        answer: "I did not find this in your documents.",
        citations: [],
        nearest: [],
        passages_read: 0,
        model: null,
      });
    });

    it("name page and heading of a PDF", async () => {
      const bytes = await readFile(join(import.meta.dirname, "files", "headed.pdf"));
      const { document } = acceptedDocumentSchema.parse(
        (await asking.flow.postFile(bytes, "headed.pdf")).body,
      );
      await asking.flow.settled(document.id, 90_000);

      const answered = await asking.answer("Who keeps the lamp with two cats?");

      expect(answered.citations[0]).toMatchObject({
        document_id: document.id,
        page: 2,
        section: "The lighthouse › The keeper",
      });
    });

    it("are answered with sentences of the documents, and where they stand", async () => {
      const reply = await asking.flow.send("POST", "/api/ask", { json: { question: "Who built the mill?" } });

      const { question, job } = acceptedQuestionSchema.parse(reply.body);
      const answered = await asking.settled(question.id);

      expect(reply.headers.get("location")).toBe(`/api/jobs/${job.id}`);
      expect(reply.headers.get("content-location")).toBe(`/api/ask/${question.id}`);
      const quote = "The mill was built in 1742 by Pieter Molenaar";
      const start = mill.indexOf(quote);
      expect(answered).toMatchObject({
        outcome: "answered",
        model: "builtin:extractive-1",
        extractive: true,
        removed_citations: 0,
        usage: { cost: 0 },
        partial_answer: null,
      });
      expect(answered.answer).toContain(`“${quote}” [1]`);
      expect(answered.citations[0]).toMatchObject({
        number: 1,
        document_id: millId,
        section: expect.stringContaining("The water mill"),
        quote,
        char_start: start,
        char_end: start + quote.length,
      });
    });

    it("say that nothing was found, and what is nearest", async () => {
      const missed = await asking.answer("Which crane was painted green by Fatima Yilmaz in Antwerp?");

      expect(missed).toMatchObject({ outcome: "not_found", citations: [] });
      expect(missed.nearest.map(({ excerpt }) => excerpt).join()).toContain("crane");
    });

    it("look only where they are told to", async () => {
      const named = await asking.answer("Who built the mill?", { document_ids: [harbourId] });
      const filtered = await asking.answer("Who built the mill?", { filters: { title: "harbour" } });
      const both = await asking.answer("How many cranes has the harbour?", {
        document_ids: [harbourId],
        filters: { file_type: "text" },
      });

      expect([named.outcome, filtered.outcome, both.outcome]).toEqual(["not_found", "not_found", "answered"]);
      expect(both).toMatchObject({ document_ids: [harbourId], filters: { file_type: "text" } });
    });

    it("are waited for when a request asks for it, and asked once for a key that is sent twice", async () => {
      const sent = {
        json: { question: "How much does the largest crane lift?" },
        headers: { prefer: "wait=30", "idempotency-key": '"crane-1"' },
      };
      const first = await asking.flow.send("POST", "/api/ask", sent);
      const again = await asking.flow.send("POST", "/api/ask", sent);
      const other = await asking.flow.send("POST", "/api/ask", { ...sent, json: { question: "Who?" } });

      expect(first.status).toBe(201);
      const { question } = acceptedQuestionSchema.parse(first.body);
      expect(question.answer).toContain("forty tonnes");
      expect(again.headers.get("idempotent-replayed")).toBe("true");
      expect(acceptedQuestionSchema.parse(again.body).question.id).toBe(question.id);
      expect([other.status, codeOf(other)]).toEqual([422, "idempotency_key_reused"]);
    });

    it.each([
      { what: "nothing to see", json: { question: "\u200b" }, code: "question_empty" },
      { what: "nothing", json: { question: "  " }, code: "invalid_request" },
      { what: "an unknown field", json: { question: "Who?", tone: "kind" }, code: "invalid_request" },
      { what: "a novel", json: { question: "x".repeat(2001) }, code: "invalid_request" },
      {
        what: "documents that are not there",
        json: { question: "Who?", document_ids: ["01900000-0000-7000-8000-0000000000ff"] },
        code: "documents_unknown",
      },
    ])("are refused for $what", async ({ json, code }) => {
      const reply = await asking.flow.send("POST", "/api/ask", { json });

      expect([reply.status, codeOf(reply)]).toEqual([422, code]);
    });

    it("are listed page by page, newest first, and deleted", async () => {
      const all = await asking.flow.listAll("/api/ask", questionSchema, 2);
      const ids = all.map(({ id }) => id);
      expect(ids).toEqual(ids.toSorted().toReversed());
      const [newest = ""] = ids;

      const cancelled = await asking.flow.send("POST", `/api/ask/${newest}/cancel`);
      const removed = await asking.flow.send("DELETE", `/api/ask/${newest}`);
      const gone = await asking.flow.send("GET", `/api/ask/${newest}`);

      expect([cancelled.status, codeOf(cancelled)]).toEqual([409, "already_finished"]);
      expect(removed.status).toBe(204);
      expect([gone.status, codeOf(gone)]).toEqual([404, "question_not_found"]);
    });
  });
}

/** Questions answered by a chat model, when it behaves and when it does not. */
export function writtenSuite(ground: Ground): void {
  let flow: Flow;
  let models: FakeModelServer;
  let asking: AskFlow;
  let millId: string;
  beforeAll(async () => {
    models = await startFakeModelServer({ port: 0 });
    flow = await Flow.start(ground, {
      CHAT_URL: models.url,
      CHAT_MODEL: "fake",
      // On PostgreSQL others wait so long for the jobs of a process that was killed.
      WORKER_LEASE_SECONDS: "3",
    });
    asking = new AskFlow(flow);
    millId = await asking.add(mill);
  });
  beforeEach(() => models.setScript(() => undefined));
  afterAll(async () => {
    await flow.stop();
    await models.stop();
  });

  const built = { passage: 1, quote: "the mill was   built in 1742 by Pieter Molenaar." };
  const callsOf = (jobId: string) => models.calls.filter((call) => call.job === jobId);

  describe(`questions to a model, ${ground}`, () => {
    it("are answered with citations that are in the text, told as they are written, by one call", async () => {
      models.setScript(
        whenAsked({ ...answering("Pieter Molenaar did, in 1742 [1].", [built]), pieceDelayMs: 20 }),
      );
      const { question, job } = await asking.ask("Who built the mill?");

      const answered = await asking.settled(question.id);

      const quote = "The mill was built in 1742 by Pieter Molenaar";
      expect(answered).toMatchObject({
        outcome: "answered",
        answer: "Pieter Molenaar did, in 1742 [1].",
        citations: [{ number: 1, document_id: millId, quote, char_start: mill.indexOf(quote) }],
        removed_citations: 0,
        model,
        extractive: false,
        prompts: ["ask.answer@1"],
      });
      expect(answered.usage?.input_tokens).toBeGreaterThan(0);
      const [call, ...others] = callsOf(job.id);
      expect([call?.step, others]).toEqual(["answer", []]);
      // The document is data between marks, the question is not in it.
      expect(JSON.stringify(call?.body)).toMatch(/<passage-[0-9a-f]{16} number=/);
      const told = await asking.told(question.id);
      const pieces = [...told.matchAll(/event: ask\.text_written\ndata: (.+)/g)].map(([, json = ""]) => {
        const { data } = JSON.parse(json) as { data: { text: string; reset: boolean } };
        return data;
      });
      expect(pieces[0]?.reset).toBe(true);
      expect(pieces.map(({ text }) => text).join("")).toBe(answered.answer);
    });

    it("are answered on the command line, with the places that say so", async () => {
      models.setScript(whenAsked(answering("Pieter Molenaar did [1].", [built])));
      const options = { folder: flow.folder, environment: { MILLRACE_URL: flow.url } };

      const { code, stdout } = await runCommand(["ask", "Who", "built the mill, please?"], options);
      const json = await runCommand(["ask", "Who built the mill, please?", "--json"], options);

      expect(code).toBe(0);
      expect(stdout).toContain("Pieter Molenaar did [1].\n\n[1] ");
      expect(stdout).toContain("“The mill was built in 1742 by Pieter Molenaar”");
      expect(questionSchema.parse(JSON.parse(json.stdout)).citations).toHaveLength(1);
    });

    it("name the section in which a quote stands, not that in which its passage begins", async () => {
      const dog = { passage: 1, quote: "The miller has a dog that barks at night." };
      models.setScript(whenAsked(answering("Pieter built it [1]. A dog barks [1].", [built, dog])));

      const { citations } = await asking.answer("Who built the mill, and who barks at night?");

      expect(citations.map(({ section, char_start: start }) => [section, start])).toEqual([
        ["The water mill", mill.indexOf("The mill was")],
        ["The dog", mill.indexOf("The miller has")],
      ]);
    });

    it("lose invented citations, and say so", async () => {
      const invented = { passage: 1, quote: "The mill was burnt down in 1801 by its own cat." };
      models.setScript(
        whenAsked(
          answering("He built it in 1742 [1]. It burnt in 1801 [2].", [built, { ...invented, passage: 2 }]),
        ),
      );

      expect(await asking.answer("What became of the mill?")).toMatchObject({
        outcome: "answered",
        answer: "He built it in 1742 [1]. It burnt in 1801.",
        citations: [{ number: 1 }],
        removed_citations: 1,
      });
    });

    it("are not answered when all citations are invented, or none is given", async () => {
      models.setScript(
        whenAsked(
          answering("A cat did [1].", [{ passage: 1, quote: "It was the miller's cat who built it." }]),
        ),
      );
      const invented = await asking.answer("Who built the mill, a cat?");
      models.setScript(whenAsked(answering("Everybody knows it was Pieter.", [])));
      const uncited = await asking.answer("Who built the mill, as everybody knows?");

      for (const question of [invented, uncited]) {
        expect(question).toMatchObject({
          outcome: "not_found",
          answer: "I did not find this in your documents.",
          citations: [],
        });
        expect(question.nearest[0]).toMatchObject({ document_id: millId });
      }
      expect([invented.removed_citations, uncited.removed_citations]).toEqual([1, 0]);
    });

    it("are not answered when the model says that it is not there", async () => {
      models.setScript(whenAsked(answering("", [])));

      expect(await asking.answer("Which mill has a roof?")).toMatchObject({
        outcome: "not_found",
        model,
        passages_read: 1,
      });
    });

    it("keep what was written as a part when the stream is cut, try again, and replace it", async () => {
      const { content } = answering("Pieter Molenaar did, in 1742 [1].", [built]);
      let count = 0;
      models.setScript(({ purpose }) => {
        if (purpose !== "ask.answer") return undefined;
        count += 1;
        return count === 1 ? { kind: "stall", pieces: 4 } : { kind: "answer", content };
      });
      const { question } = await asking.ask("Who built the mill, in which year?");
      const partial = await flow.until(
        () => asking.get(question.id),
        ({ partial_answer: text }) => text !== null && text !== "",
      );
      await flow.send("POST", `/api/ask/${question.id}/cancel`);
      const cancelled = await asking.settled(question.id);
      await flow.send("POST", `/api/jobs/${question.job_id}/retry`);
      const answered = await flow.until(
        () => asking.get(question.id),
        ({ state }) => state === "completed",
      );

      expect(partial).toMatchObject({ state: "processing", answer: null, outcome: null });
      expect(cancelled).toMatchObject({ state: "cancelled", answer: null });
      expect(cancelled.partial_answer).toContain(partial.partial_answer);
      expect(answered).toMatchObject({ answer: "Pieter Molenaar did, in 1742 [1].", partial_answer: null });
    });

    it.each(["truncated_stream", "drop_connection", "truncated_json"] as const)(
      "are no answers when the model's is cut: %s",
      async (kind) => {
        models.setScript(whenAsked({ kind }));
        const { question, job } = await asking.ask(`Who built the mill, says ${kind}?`);

        const waiting = await flow.until(
          () => flow.job(job.id),
          ({ state }) => state === "scheduled" || state === "failed",
        );

        expect((await asking.get(question.id)).answer).toBeNull();
        expect(waiting.attempts[0]?.outcome).toBe("failed");
        await flow.send("DELETE", `/api/ask/${question.id}`);
      },
    );

    it("fail with a reason that stays", async () => {
      models.setScript(whenAsked({ kind: "unauthorized" }));

      expect(await asking.answer("Who built the mill, without a key?")).toMatchObject({
        state: "failed",
        outcome: null,
        error_code: "model_unauthorized",
      });
    });

    it("go on where they were when the process is killed in the middle", async () => {
      models.setScript(whenAsked({ kind: "stall", pieces: 4 }));
      const { question, job } = await asking.ask("Who built the mill, before the lights went out?");
      await flow.until(
        () => asking.get(question.id),
        ({ partial_answer: text }) => text !== null && text !== "",
      );

      await flow.server.kill9();
      models.setScript(whenAsked(answering("Pieter Molenaar did [1].", [built])));
      await flow.restart();

      const answered = await asking.settled(question.id);
      expect(answered).toMatchObject({ answer: "Pieter Molenaar did [1].", partial_answer: null });
      const { steps } = await flow.job(job.id);
      expect(steps.map(({ key, starts }) => [key, starts])).toEqual([
        ["retrieve", 1],
        ["answer", 2],
      ]);
      const told = await asking.told(question.id);
      expect(told.match(/event: ask\.started/g)).toHaveLength(2);
      expect(told.match(/event: ask\.completed/g)).toHaveLength(1);
    });

    it("are cancelled and deleted while the model hangs, also for those who watch", async () => {
      models.setScript(whenAsked({ kind: "hang" }));
      const { question, job } = await asking.ask("Who built the mill, for ever?");
      await flow.until(
        async () => callsOf(job.id),
        (calls) => calls.length > 0,
      );
      // It is answered as soon as it is listened to.
      const watching = await fetch(`${flow.url}/api/ask/${question.id}/events?until=finished`);

      const removed = await flow.send("DELETE", `/api/ask/${question.id}`);

      expect(removed.status).toBe(204);
      expect(await watching.text()).toContain("event: ask.cancelled");
      await flow.until(
        () => flow.job(job.id),
        ({ state }) => state === "cancelled",
      );
    });

    // The last: nobody asks the model again so soon.
    it("are put off with the reason while the model takes no more requests", async () => {
      models.setScript(whenAsked({ kind: "rate_limit", retryAfterSeconds: 60 }));
      const { question } = await asking.ask("Who built the mill, when there is time?");

      const waiting = await flow.until(
        () => asking.get(question.id),
        ({ put_off: putOff }) => putOff !== null,
      );

      expect(waiting).toMatchObject({ state: "processing", put_off: { code: "model_rate_limited" } });
      await flow.send("DELETE", `/api/ask/${question.id}`);
    });
  });
}

/** Questions where the built-in model stands in for one that is away. */
export function fallbackSuite(ground: Ground): void {
  let models: FakeModelServer;
  let asking: AskFlow;
  beforeAll(async () => {
    models = await startFakeModelServer({ port: 0 });
    const environment = { CHAT_URL: models.url, CHAT_MODEL: "fake", CHAT_FALLBACK: "builtin" };
    asking = new AskFlow(await Flow.start(ground, environment));
    await asking.add(mill);
  });
  afterAll(async () => {
    await asking.flow.stop();
    await models.stop();
  });

  describe(`questions with the built-in model to turn to, ${ground}`, () => {
    it("are answered with quotes while the model can't serve, and say so", async () => {
      models.setScript(whenAsked({ kind: "server_error" }));

      const answered = await asking.answer("Who built the mill?");

      expect(answered).toMatchObject({
        outcome: "answered",
        model: "builtin:extractive-1",
        extractive: true,
      });
    });
  });
}
