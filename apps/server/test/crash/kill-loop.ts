import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AcceptedDocument, Document, JobDetail } from "@millrace/contracts";
import { startFakeModelServer, startMillrace, waitFor } from "@millrace/testing";
import type { FakeModelServer, RunningMillrace } from "@millrace/testing";
import { expect } from "vitest";

export type KillLoopOptions = {
  readonly kills: number;
  readonly documents: number;
  readonly environment: Readonly<Record<string, string>>;
  /** Seeds the times of the kills; printed with a failure. */
  readonly seed: number;
};

/** A step that was seen as recorded, and how often the model had been called for it by then. */
type Recorded = Map<string, number>;

/**
 * Kills the real server again and again while documents are in flight, and then checks that no
 * accepted document was lost, that no step seen as recorded called the model again, and that all
 * repeats together were no more than the calls in flight at the kills.
 */
export async function expectNothingLostInKillLoop(options: KillLoopOptions): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-kill-"));
  const models = await startFakeModelServer({ port: 0, delayMs: 60 });
  const environment = {
    CHAT_URL: models.url,
    CHAT_MODEL: "fake",
    CHAT_CONTEXT_TOKENS: "2048",
    EMBEDDING_URL: models.url,
    EMBEDDING_MODEL: "fake-embedding",
    ...options.environment,
  };
  const start = (): Promise<RunningMillrace> => startMillrace({ dataDirectory: folder, environment });
  const random = randomNumbers(options.seed);
  let server = await start();
  try {
    const accepted: string[] = [];
    const recorded: Recorded = new Map();
    let inFlight = 0;
    for (let kill = 0; kill < options.kills; kill++) {
      const share = Math.ceil(options.documents / options.kills);
      // Each document takes at least four calls, so this one will come; unanswered, it is in flight at the kill.
      const nth = chatCalls(models) + 1 + Math.floor(random() * 4 * share);
      holdChatCall(models, nth);
      for (let index = 0; index < share; index++) accepted.push(await post(server, accepted.length));
      await waitFor(() => chatCalls(models) >= nth, {
        describe: `call ${nth} of the model`,
        timeoutMs: 60_000,
        intervalMs: 5,
      });
      // On a busy machine what the model has answered may not be recorded yet.
      await waitFor(
        async () => {
          await noteRecordedSteps(server, models, accepted, recorded);
          return recorded.size > ((kill + 1) * share) / 2;
        },
        { describe: "steps that are recorded", intervalMs: 5 },
      );
      inFlight += models.calls.filter((call) => call.kind === "chat" && call.outcome === "running").length;
      await server.kill9();
      server = await start();
    }

    const documents = await untilSettled(server, accepted);

    expect(documents.map((document) => document.id)).toEqual(accepted);
    expect(documents.filter((document) => document.status !== "completed")).toEqual([]);
    const calls = callsByStep(models);
    // Otherwise the kills hit nothing, and the rest of this proves nothing.
    expect(recorded.size).toBeGreaterThan(options.documents / 2);
    expect(inFlight).toBeGreaterThan(0);
    for (const [step, count] of recorded)
      expect.soft(calls.get(step), `calls of recorded step ${step}`).toBe(count);
    const total = [...calls.values()].reduce((sum, count) => sum + count, 0);
    // One call more per kill may have been answered and not yet recorded: in flight for us.
    expect(total - calls.size).toBeLessThanOrEqual(inFlight + options.kills * 4);
    await expectUnbrokenEvents(server, accepted);
  } finally {
    await server.kill9();
    await models.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

function chatCalls(models: FakeModelServer): number {
  return models.calls.filter((call) => call.kind === "chat").length;
}

/** Leaves the model's nth call of all unanswered, so that a kill hits it. */
function holdChatCall(models: FakeModelServer, nth: number): void {
  models.setScript((call) =>
    call.kind === "chat" && chatCalls(models) + 1 === nth ? { kind: "hold", barrier: "kill" } : undefined,
  );
}

function randomNumbers(seed: number): () => number {
  let state = seed;
  // The generator of Park and Miller, 1988: enough to vary the moments of the kills.
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}

async function post(server: RunningMillrace, index: number): Promise<string> {
  const sentence = `Document ${index} speaks of mills, of water and of the people who work there. `;
  // Every third is long enough to be split by the model's small context.
  const text = sentence.repeat(index % 3 === 0 ? 160 : 8);
  const response = await fetch(`${server.url}/api/documents`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ text, title: `Document ${index}` }),
  });
  expect(response.status).toBe(202);
  return ((await response.json()) as AcceptedDocument).document.id;
}

async function get<Result>(server: RunningMillrace, path: string): Promise<Result> {
  const response = await fetch(`${server.url}${path}`);
  expect(response.status, path).toBe(200);
  return (await response.json()) as Result;
}

async function noteRecordedSteps(
  server: RunningMillrace,
  models: FakeModelServer,
  ids: readonly string[],
  recorded: Recorded,
): Promise<void> {
  for (const id of ids) {
    const document = await get<Document>(server, `/api/documents/${id}`);
    const job = await get<JobDetail>(server, `/api/jobs/${document.job_id}`);
    const calls = callsByStep(models);
    for (const step of job.steps) {
      const key = `${job.id} ${step.key}`;
      const count = calls.get(key);
      if (step.state === "done" && count !== undefined) recorded.set(key, count);
    }
  }
}

function callsByStep(models: FakeModelServer): Map<string, number> {
  const counts = new Map<string, number>();
  for (const call of models.calls) {
    if (call.kind !== "chat") continue;
    const key = `${call.job} ${call.step}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

function untilSettled(server: RunningMillrace, ids: readonly string[]): Promise<Document[]> {
  return waitFor(
    async () => {
      const documents = await Promise.all(ids.map((id) => get<Document>(server, `/api/documents/${id}`)));
      const isOpen = documents.some(({ status }) => status === "uploaded" || status === "processing");
      return isOpen ? undefined : documents;
    },
    { describe: "every document to end", timeoutMs: 90_000, intervalMs: 250 },
  );
}

/** Each document's events are numbered from 1 without a gap and end exactly once. */
async function expectUnbrokenEvents(server: RunningMillrace, ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    const response = await fetch(`${server.url}/api/documents/${id}/events?until=finished`);
    const text = await response.text();
    const numbers = [...text.matchAll(/^id: (\d+)$/gm)].map((match) => Number(match[1]));
    const ends = text.match(/^event: document\.(completed|failed|cancelled)$/gm) ?? [];
    expect(numbers).toEqual(numbers.map((_number, index) => index + 1));
    expect(ends).toEqual(["event: document.completed"]);
  }
}
