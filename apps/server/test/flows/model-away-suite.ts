import { crewRunDetailSchema, crewRunSchema, isTerminal, usageSchema } from "@millrace/contracts";
import type { AcceptedDocument, CrewRunDetail, CrewRunShape, Usage } from "@millrace/contracts";
import { startFakeModelServer, startMillrace } from "@millrace/testing";
import type { Behaviour, FakeModelServer, ModelCall, RunningMillrace } from "@millrace/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Flow } from "./flow.ts";
import type { Ground } from "./flow.ts";
import { expectConsistency } from "./invariants.ts";
import { allProcessed, hurryRetries } from "./many-documents.ts";

const analyses = 50;
const crews = 2;
const timeoutMs = 400_000;

const chronicle = {
  "crews/chronicle/agents.yaml": `chronicler:
  role: Chronicler of {place}
  goal: Write down what happened in {place}
  backstory: You have lived there all your life.
reader:
  role: First reader
  goal: Find what nobody will understand
  backstory: You come from far away.
`,
  "crews/chronicle/tasks.yaml": `gather:
  description: Gather what happened in {place}.
  expected_output: A list of events
  agent: chronicler
judge:
  description: Say what is missing.
  expected_output: A list of questions
  agent: reader
write:
  description: Write the chronicle of {place}.
  expected_output: A chronicle
  agent: chronicler
`,
};

/**
 * A model server that goes away in the middle of much work, and comes back. Embedded, nothing hurries
 * the tries: half a minute, or a few when a try comes just before the server is back.
 */
export function modelAwaySuite(ground: Ground): void {
  let flow: Flow;
  let models: FakeModelServer;
  let worker: RunningMillrace | undefined;
  const usage = (): Promise<Usage> => flow.get("/api/usage?by=model", usageSchema);

  describe(`a model server that goes away, ${ground}`, () => {
    beforeAll(async () => {
      models = await startFakeModelServer({ port: 0, delayMs: 50, script: answerByText });
      flow = await Flow.start(
        ground,
        {
          CHAT_URL: models.url,
          CHAT_MODEL: "fake",
          EMBEDDING_URL: models.url,
          EMBEDDING_MODEL: "fake-embedding",
          MODEL_PRICES: "prices.json",
        },
        {
          ...chronicle,
          "prices.json": JSON.stringify({
            "openai-compatible:fake": { input: 1000, output: 2000 },
            "openai-compatible:fake-embedding": { input: 500, output: 0 },
          }),
        },
      );
      if (ground === "embedded") return;
      worker = await startMillrace({
        dataDirectory: flow.folder,
        environment: flow.environment,
        commandArguments: ["worker", "--health-port", "0"],
      });
    });
    afterAll(async () => {
      await worker?.stop();
      await flow.stop();
      await models.stop();
    });

    it(
      "leaves every analysis and every crew finished and right, and each of its answers paid once",
      async () => {
        const accepted = await Promise.all(
          Array.from({ length: analyses }, (_none, index) => flow.postText(textOf(index))),
        );
        const started = await Promise.all(Array.from({ length: crews }, () => startCrew(flow)));
        await flow.until(
          async () => answeredChats(models.calls),
          (chats) =>
            chats.length >= analyses / 4 &&
            chats.some(({ purpose }) => purpose?.startsWith("crew.") === true),
          timeoutMs,
        );

        await models.stop();
        const before = [...models.calls];
        expect(answeredChats(before).length).toBeLessThan(analyses);
        // Until it is left alone, and work that needs it put off.
        await flow.until(
          () => Promise.all(accepted.map(({ job }) => flow.job(job.id))),
          (jobs) => jobs.some(({ state, reason }) => state === "scheduled" && reason === "snooze"),
          timeoutMs,
        );
        models = await startFakeModelServer({
          port: Number(new URL(models.url).port),
          delayMs: 50,
          script: answerByText,
        });
        const finish = async (): Promise<CrewRunDetail[]> => {
          await allProcessed(flow, timeoutMs);
          return await Promise.all(started.map(({ id }) => endOfCrew(flow, id)));
        };
        const runs = await (ground === "embedded" ? finish() : hurryRetries(flow, finish));

        expect(runs.map(({ state, tasks_done: done }) => [state, done])).toEqual([
          ["succeeded", 3],
          ["succeeded", 3],
        ]);
        await expectConsistency(flow, timeoutMs);
        const documents = await Promise.all(accepted.map(({ document }) => flow.document(document.id)));
        expect(new Set(documents.map(({ status }) => status))).toEqual(new Set(["completed"]));
        const paid = [...before, ...models.calls].filter(({ outcome }) => outcome === "answered");
        await expectPaid(paid);
        await expectRight(accepted);
      },
      timeoutMs,
    );
  });

  /** Charges and the list of calls say what the server says: each answer that it gave, once. */
  async function expectPaid(answers: readonly ModelCall[]): Promise<void> {
    const sum = (of: (call: ModelCall) => number | undefined): number =>
      answers.reduce((total, call) => total + (of(call) ?? 0), 0);
    const chats = answers.filter(({ kind }) => kind === "chat");
    const input = sum(({ usage: counted }) => counted?.prompt_tokens);
    const output = sum(({ usage: counted }) => counted?.completion_tokens);
    const ofChats = chats.reduce((total, { usage: counted }) => total + (counted?.prompt_tokens ?? 0), 0);
    const cost = (ofChats * 1000 + (input - ofChats) * 500 + output * 2000) / 1e6;

    const { charged, total } = await flow.until(usage, (seen) => seen.total.answered >= answers.length);
    expect(charged).toMatchObject({
      ...{ steps: answers.length, input_tokens: input, output_tokens: output, unpriced: 0 },
    });
    expect(charged.cost).toBeCloseTo(cost, 6);
    expect(total).toMatchObject({ answered: answers.length, input_tokens: input, output_tokens: output });
  }

  /** Every part of every document is what the server said of this very text. */
  async function expectRight(accepted: readonly AcceptedDocument[]): Promise<void> {
    const results = await Promise.all(
      accepted.map(async ({ document }) => {
        const { summary, key_points: points, sentiment, topics } = await flow.analysis(document.id);
        return {
          summary: summary.result,
          key_points: points.result,
          sentiment: sentiment.result,
          topics: topics.result,
        };
      }),
    );
    expect(results).toEqual(accepted.map((_one, index) => answerAbout(index)));
  }
}

function textOf(index: number): string {
  return `Mill number ${index} stands by the river. Miller ${index} is content with year ${1700 + index} and with his dog.`;
}

function answerAbout(index: number) {
  return {
    summary: { text: `Mill ${index} stands.` },
    key_points: { points: [`Miller ${index} is content.`] },
    sentiment: { label: "positive", score: 0.5, evidence: [`Miller ${index} is content.`] },
    topics: { topics: [`mill ${index}`] },
  };
}

function answerByText({ purpose, body }: ModelCall): Behaviour | undefined {
  const index = /Mill number (\d+) stands/.exec(JSON.stringify(body))?.[1];
  if (purpose !== "document.analysis" || index === undefined) return undefined;
  return { kind: "answer", content: JSON.stringify(answerAbout(Number(index))) };
}

function answeredChats(calls: readonly ModelCall[]): ModelCall[] {
  return calls.filter(({ kind, outcome }) => kind === "chat" && outcome === "answered");
}

async function startCrew(flow: Flow): Promise<CrewRunShape> {
  const reply = await flow.send("POST", "/api/crews/chronicle/runs", {
    json: { inputs: { place: "Little Marlow" } },
  });
  expect(reply.status, JSON.stringify(reply.body)).toBe(202);
  return crewRunSchema.parse(reply.body);
}

function endOfCrew(flow: Flow, id: string): Promise<CrewRunDetail> {
  return flow.until(
    () => flow.get(`/api/crew-runs/${id}`, crewRunDetailSchema),
    ({ state }) => isTerminal(state),
    timeoutMs,
  );
}
