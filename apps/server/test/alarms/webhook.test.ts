import type { Database } from "@millrace/database";
import { silentLogger, systemClock } from "@millrace/kernel";
import { recordLook } from "@millrace/queue";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { goneWebhookReading } from "../../src/alarms/gone-webhook.ts";
import { tellWebhook, tryWebhook } from "../../src/alarms/webhook.ts";
import { startHookReceiver } from "./hook-receiver.ts";
import type { HookReceiver } from "./hook-receiver.ts";

const rules = { everyMs: 10_000, afterLooks: 1, tells: true };
const never = new AbortController().signal;

describe.each(testDatabases())("the webhook of alarms on $name", (kind) => {
  let opened: TestDatabase;
  let database: Database;
  let receiver: HookReceiver;

  beforeAll(async () => {
    opened = await kind.open();
    database = opened.database;
  });
  afterAll(() => opened.close());
  beforeEach(async () => {
    receiver = await startHookReceiver();
  });
  afterEach(async () => {
    await receiver.close();
    await sql`DELETE FROM alarm`.execute(database.queryable);
    await sql`DELETE FROM gone_webhook`.execute(database.queryable);
  });

  const look = (subjects: readonly string[], tells = true) =>
    recordLook(
      database,
      { process: "a/1" },
      subjects.map((subject) => ({ kind: "database_slow", subject, message: "It is slow.", details: {} })),
      { ...rules, tells },
    );
  const raise = () => look(["a/1"]);
  const passTime = (seconds: number) =>
    sql`
      UPDATE alarm SET tell_at = tell_at - ${seconds}::double precision * interval '1 second',
        last_seen_at = last_seen_at - ${seconds}::double precision * interval '1 second'`.execute(
      database.queryable,
    );
  const clear = async () => {
    await passTime(10);
    await look([]);
  };
  const tell = (signal = never) =>
    tellWebhook(
      { database, logger: silentLogger, clock: systemClock, url: receiver.url, secret: undefined },
      signal,
    );
  const find = async (url: string) => {
    const reading = goneWebhookReading(url);
    return await reading.find(database, {} as Parameters<typeof reading.find>[1]);
  };
  const told = () => receiver.received.map(({ body }) => body.type);

  it("is called once when an alarm is raised and once when it is cleared", async () => {
    await raise();
    await tell();
    await tell();
    await clear();
    await tell();
    await tell();

    expect(told()).toEqual(["alarm.raised", "alarm.cleared"]);
  });

  it("is called again, later each time, with the same id, while it does not take the message", async () => {
    receiver.answer = 500;
    await raise();
    await tell();
    await passTime(9);
    await tell();
    expect(told()).toHaveLength(1);
    await passTime(1);
    await tell();
    expect(told()).toHaveLength(2);
    await passTime(19);
    await tell();
    expect(told()).toHaveLength(2);
    receiver.answer = 200;
    await passTime(1);
    await tell();
    await passTime(86_400);
    await tell();

    expect(told()).toEqual(["alarm.raised", "alarm.raised", "alarm.raised"]);
    expect(new Set(receiver.received.map(({ headers }) => headers["webhook-id"])).size).toBe(1);
  });

  it("hears of the raise first and then of the clear when it was away for both", async () => {
    receiver.answer = 503;
    await raise();
    await tell();
    await clear();
    receiver.answer = 200;
    await passTime(3600);
    await tell();

    expect(told()).toEqual(["alarm.raised", "alarm.raised", "alarm.cleared"]);
  });

  it("hears from another process what one had taken to tell and died", async () => {
    await raise();
    await sql`UPDATE alarm SET tell_at = now() + interval '30 seconds', tell_tries = 1`.execute(
      database.queryable,
    );

    await tell();
    expect(told()).toEqual([]);
    await passTime(30);
    await tell();

    expect(told()).toEqual(["alarm.raised"]);
  });

  it("is told by one process when two come at once", async () => {
    await raise();

    await Promise.all([tell(), tell(), tell()]);

    expect(told()).toEqual(["alarm.raised"]);
  });

  it("is not followed elsewhere", async () => {
    receiver.answer = "redirect";
    await raise();

    await tell();
    receiver.answer = 200;
    await passTime(10);
    await tell();

    expect(receiver.received).toHaveLength(2);
  });

  it("leaves what it was told for the next start when the process stops in the middle", async () => {
    receiver.answer = "silence";
    const stopping = new AbortController();
    await raise();
    const telling = tell(stopping.signal);
    await expect.poll(() => receiver.received.length).toBe(1);

    stopping.abort();
    await telling;
    receiver.answer = 200;
    await tell();

    expect(told()).toEqual(["alarm.raised", "alarm.raised"]);
  });

  it("is not called again after 410 Gone, by no process, and says so as an alarm", async () => {
    receiver.answer = 410;
    await raise();

    await tell();
    receiver.answer = 204;
    await passTime(86_400);
    await tell();

    expect(receiver.received).toHaveLength(1);
    expect(await find(receiver.url)).toMatchObject([
      { kind: "webhook_gone", subject: new URL(receiver.url).host },
    ]);
    expect(JSON.stringify(await find(receiver.url))).not.toContain("/hook");
    expect(await find(`${receiver.url}/other`)).toEqual([]);
  });

  it("is called again, with what it missed, once it has taken a message to try it", async () => {
    const tryIt = () =>
      tryWebhook({ database, clock: systemClock, url: receiver.url, secret: undefined }, never);
    receiver.answer = 410;
    await raise();
    await tell();

    const still = await tryIt();
    receiver.answer = 204;
    const back = await tryIt();
    await tell();

    expect([still, back]).toEqual(["it answered 410", undefined]);
    expect(told()).toEqual(["alarm.raised", "alarm.test", "alarm.test", "alarm.raised"]);
    expect(await find(receiver.url)).toEqual([]);
  });

  it("waits as well when nobody is there", async () => {
    await receiver.close();
    await raise();

    await tell();

    const found = await sql<{ tell_tries: number; is_due: boolean }>`
      SELECT tell_tries, tell_at <= now() AS is_due FROM alarm`.execute(database.queryable);
    expect(found.rows).toEqual([{ tell_tries: 1, is_due: false }]);
  });

  it("does not hear of the end of what was raised before there was one", async () => {
    await look(["a/1"], false);
    await clear();

    await tell();

    expect(told()).toEqual([]);
  });
});
