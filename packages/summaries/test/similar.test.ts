import { localAccess, newId, parseSettings, silentLogger, systemClock } from "@millrace/kernel";
import { createModels, modelSettingsSchema } from "@millrace/models";
import type { Models } from "@millrace/models";
import { Queue } from "@millrace/queue";
import { testDatabases } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { handleMakeSummary, Summaries } from "../src/index.ts";

const diary = [
  "The water mill of Lydford grinds wheat and rye for eleven villages along the river.",
  "The miller writes down every evening how high the water stood at the wheel.",
  "In March the ice broke the sluice, and the mill stood still for nine days.",
  "The villages paid for the new sluice with 40 sacks of flour from the next harvest.",
  "Since then the wheel has turned without a pause until the frost of the following winter.",
  "What the miller wrote is kept in the town hall, where anybody may read it.",
].join(" ");

describe.each(testDatabases())("summaries of similar texts, on $name", (kind) => {
  let queue: Queue;
  let summaries: Summaries;
  let close: () => Promise<void>;

  beforeAll(async () => {
    const opened = await kind.open();
    const models: Models = createModels({
      settings: parseSettings(modelSettingsSchema, {}),
      logger: silentLogger,
      clock: systemClock,
    });
    await models.start();
    const { database } = opened;
    queue = new Queue({
      database,
      logger: silentLogger,
      handlers: [
        handleMakeSummary({
          database,
          models,
          appendEvents: async (scope, events) => queue.appendEvents(scope, events),
        }),
      ],
    });
    summaries = new Summaries(queue);
    const worker = queue.createWorker({
      ...{ name: "w", concurrency: 2, leaseMs: 60_000, beatMs: 20_000, pollMs: 50, drainMs: 50 },
    });
    await worker.start();
    close = async () => {
      await worker.stop();
      await models.stop();
      await opened.close();
    };
  });
  afterAll(() => close());

  const summarise = async (text: string, more = {}) => {
    const taken = await summaries.accept(localAccess, { text, ...more });
    if (taken.kind !== "new") throw new Error("it had no key");
    const { summary, job } = taken.accepted;
    await queue.waitForEnd(job.id, { timeoutMs: 90_000 });
    return await summaries.get(localAccess, summary.id);
  };

  it("are taken over with their score, which says that the texts are not the same", async () => {
    const first = await summarise(diary);

    const again = await summarise(`${diary.replaceAll(". ", ".\n\n")} `);
    const nearly = await summarise(diary.replace("anybody may read it", "anyone may read it"));

    expect(first).toMatchObject({ state: "completed", reused_from: null });
    expect(again).toMatchObject({ result: first.result, reused_from: { summary_id: first.id } });
    expect(nearly).toMatchObject({ result: first.result, reused_from: { summary_id: first.id } });
    expect(nearly.reused_from?.score).toBeGreaterThan(0.97);
    expect(nearly.reused_from?.score).toBeLessThan(1);
    expect(nearly.text).not.toBe(first.text);
  });

  it("are made anew for another figure, another name, another language, and when that is asked for", async () => {
    const others = [
      await summarise(diary.replace("40 sacks", "60 sacks")),
      await summarise(diary.replace("Lydford", "Lidham")),
      await summarise(diary, { language: "de" }),
      await summarise(`${diary} It may not be copied.`, { fresh: true }),
    ];

    expect(others.map(({ reused_from: from }) => from)).toEqual([null, null, null, null]);
  });

  it("are not those of another workspace", async () => {
    const text = diary.replace("eleven villages", "seven villages").replace("Lydford", "Oakham");
    const first = await summarise(text);
    await sql`INSERT INTO workspace (id, name) VALUES (${newId()}, 'another')`.execute(
      queue.database.queryable,
    );
    await sql`
      UPDATE summary SET workspace_id = (SELECT id FROM workspace WHERE name = 'another') WHERE id = ${first.id}`.execute(
      queue.database.queryable,
    );

    const second = await summarise(text.replace("anybody", "anyone"));

    expect(second.reused_from).toBeNull();
  });

  it("are found by beginnings of words of title, summary and text, and not by signs alone", async () => {
    const made = await summarise("A gosling crossed the weir. Nobody but the gander saw it there.", {
      title: "Zugvögel",
    });
    const found = async (search: string) =>
      (await summaries.list(localAccess, { search, limit: 10 })).map(({ id }) => id);

    expect(await found("zugv")).toEqual([made.id]);
    expect(await found("GOSLING wei")).toEqual([made.id]);
    expect(await found("gosling tides")).toEqual([]);
    expect(await found("' | !")).toEqual([]);
  });
});
