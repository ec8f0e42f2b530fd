import { localAccess, newId, parseSettings, silentLogger } from "@millrace/kernel";
import { createModels, modelSettingsSchema } from "@millrace/models";
import { Queue, runInline } from "@millrace/queue";
import { startFakeModelServer, testDatabases } from "@millrace/testing";
import type { FakeModelServer } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { handleMakeSummary, Summaries } from "../src/index.ts";

const waits = { ending: { kind: "snooze" } };

describe.each(testDatabases())("two requests for the same text, on $name", (kind) => {
  let queue: Queue;
  let server: FakeModelServer;
  let handler: ReturnType<typeof handleMakeSummary>;
  let close: () => Promise<void>;

  beforeAll(async () => {
    const opened = await kind.open();
    const { database } = opened;
    server = await startFakeModelServer({ port: 0 });
    const settings = { CHAT_URL: server.url, CHAT_MODEL: "small" };
    const models = createModels({
      settings: parseSettings(modelSettingsSchema, settings),
      logger: silentLogger,
    });
    queue = new Queue({ database, logger: silentLogger, handlers: [] });
    handler = handleMakeSummary({
      ...{ database, models },
      appendEvents: async (scope, events) => queue.appendEvents(scope, events),
    });
    close = async () => {
      await models.stop();
      await server.stop();
      await opened.close();
    };
  });
  afterAll(() => close());

  async function accept(text: string): Promise<string> {
    const taken = await new Summaries(queue).accept(localAccess, { text });
    if (taken.kind !== "new") throw new Error("it had no key");
    return taken.accepted.summary.id;
  }
  const make = (id: string) =>
    runInline(handler, { summary_id: id }, { transaction: (work) => queue.transaction(work) });

  it("make one call, also when the one with the larger id is there and begins first", async () => {
    const text = "The miller of Lydford writes down every evening how high the water stood.";
    const earlier = newId();
    server.setScript(() => ({ kind: "hold", barrier: "later" }));
    const made = make(await accept(text));
    await expect.poll(() => server.calls.length).toBe(1);
    // As another machine gave it, whose transaction took longer.
    await sql`UPDATE summary SET id = ${earlier} WHERE id = ${await accept(text)}`.execute(
      queue.database.queryable,
    );

    await expect(make(earlier)).rejects.toMatchObject(waits);

    server.release("later");
    await made;
    expect(server.calls).toHaveLength(1);
  });

  it("begin one after the other when they come at the same time", async () => {
    const text = "In March the ice broke the sluice, and the mill stood still for nine days.";
    const ids = [await accept(text), await accept(text), await accept(text)];
    const before = server.calls.length;
    server.setScript(() => ({ kind: "hold", barrier: "together" }));
    const running = Promise.allSettled(ids.map((id) => make(id)));
    await expect.poll(() => server.calls.length).toBe(before + 1);

    server.release("together");
    const ends = await running;

    expect(ends.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(server.calls).toHaveLength(before + 1);
  });

  it("look less often the longer they wait", async () => {
    const text = "For nine days nothing was ground, and bread was brought from Oakham.";
    server.setScript(() => ({ kind: "hold", barrier: "long" }));
    const before = server.calls.length;
    const made = make(await accept(text));
    await expect.poll(() => server.calls.length).toBe(before + 1);
    const waiting = await accept(text);
    const waited = (age: string) =>
      sql`UPDATE summary SET updated_at = now() - ${age}::interval WHERE id = ${waiting}`.execute(
        queue.database.queryable,
      );

    await expect(make(waiting)).rejects.toMatchObject({ ending: { delayMs: 1_000 } });
    await waited("100 seconds");
    const later = await make(waiting).catch((error: unknown) => error);
    await waited("3 hours");
    await expect(make(waiting)).rejects.toMatchObject({ ending: { delayMs: 60_000 } });

    const { delayMs } = (later as { readonly ending: { readonly delayMs: number } }).ending;
    expect(Math.floor(delayMs / 1_000)).toBe(10);
    server.release("long");
    await made;
  });

  it("never wait for each other when both have begun", async () => {
    const text = "The villages paid for the new sluice with forty sacks of flour.";
    const first = await accept(text);
    const second = await accept(text);
    server.setScript([]);
    const { rows } = await sql<{ recipe: string }>`
      SELECT recipe FROM summary WHERE recipe IS NOT NULL LIMIT 1`.execute(queue.database.queryable);
    await sql`
      UPDATE summary SET state = 'processing', recipe = ${rows[0]?.recipe ?? ""},
             started_at = CASE WHEN id = ${second} THEN now() - interval '1 hour' ELSE now() END
      WHERE id IN (${first}, ${second})`.execute(queue.database.queryable);

    await expect(make(first)).rejects.toMatchObject(waits);

    expect(await make(second)).toMatchObject({ output: { reused_from: null } });
  });
});
