import { createHmac } from "node:crypto";
import { alarmSchema, alarmSummarySchema, pageSchema } from "@millrace/contracts";
import type { Alarm } from "@millrace/contracts";
import { openEmbedded } from "@millrace/database";
import { sleep } from "@millrace/kernel";
import { waitFor } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { runCommand } from "../cli/command.ts";
import { codeOf, Flow } from "../flows/flow.ts";
import { startHookReceiver } from "./hook-receiver.ts";
import type { HookReceiver, ReceivedHook } from "./hook-receiver.ts";

/** Looks often. What a busy machine would raise by itself is off. */
const eager = {
  ALARM_LOOK_SECONDS: "1",
  ALARM_AFTER_LOOKS: "1",
  ALARM_OFF: "database_slow,clock_jump,oldest_wait",
};

describe("the alarms of a server", () => {
  const key = Buffer.alloc(32, 9);
  let receiver: HookReceiver;
  let flow: Flow;

  beforeAll(async () => {
    receiver = await startHookReceiver();
    flow = await Flow.start("embedded", {
      ...eager,
      // Any process uses more.
      ALARM_WORKER_MEMORY_BYTES: "1000000",
      ALARM_WEBHOOK_URL: receiver.url,
      ALARM_WEBHOOK_SECRET: `whsec_${key.toString("base64")}`,
    });
  });
  afterAll(async () => {
    await flow.stop();
    await receiver.close();
  });

  const list = async (query = ""): Promise<Alarm[]> =>
    (await flow.get(`/api/alarms${query}`, pageSchema(alarmSchema))).data;
  const firstAlarm = () =>
    waitFor(async () => (await list())[0], { describe: "an alarm", timeoutMs: 45_000, intervalMs: 100 });
  const signatureOf = ({ headers, text }: ReceivedHook): string => {
    const signed = `${String(headers["webhook-id"])}.${String(headers["webhook-timestamp"])}.${text}`;
    return `v1,${createHmac("sha256", key).update(signed).digest("base64")}`;
  };

  it("are listed, counted, shown one by one and in the metrics, and written to the log", async () => {
    const alarm = await firstAlarm();

    expect(alarm).toMatchObject({ kind: "worker_memory", severity: "warning", state: "open" });
    expect(await flow.get(alarm.links.self, alarmSchema)).toMatchObject({ id: alarm.id });
    expect(await list("?kind=queue_depth&state=all")).toEqual([]);
    expect(await flow.get("/api/alarms/summary", alarmSummarySchema)).toEqual({
      open: 1,
      critical: 0,
      unacknowledged: 1,
    });
    expect((await flow.send("GET", "/metrics")).body).toContain(
      'millrace_alarms_open{kind="worker_memory",severity="warning"} 1',
    );
    expect(flow.server.output()).toContain("alarm raised: Worker");
  });

  it("are acknowledged on the command line, and stay so while they are open", async () => {
    const { id } = await firstAlarm();
    const command = { folder: flow.folder, environment: { MILLRACE_URL: flow.url } };

    const acknowledged = await runCommand(["alarms", "ack", id], command);
    const listed = await runCommand(["alarms", "ls"], command);
    const listedJson = await runCommand(["alarms", "ls", "--json", "--kind", "worker_memory"], command);

    expect([acknowledged.code, listed.code]).toEqual([0, 0]);
    expect(listed.stdout).toMatch(new RegExp(`${id}\\twarning\\tworker_memory\\tseen by local`));
    expect(JSON.parse(listedJson.stdout)).toMatchObject([{ id, acknowledged_by: "local", state: "open" }]);
  });

  it("are refused when they are not there, or not asked for as they should be", async () => {
    const missing = await flow.send("POST", `/api/alarms/${crypto.randomUUID()}/acknowledge`);
    const unknownField = await flow.send("GET", "/api/alarms?staet=open");
    const unknownKind = await flow.send("GET", "/api/alarms?kind=noise");

    expect([missing.status, codeOf(missing)]).toEqual([404, "alarm_not_found"]);
    expect([unknownField.status, unknownKind.status]).toEqual([422, 422]);
  });

  it("reach the webhook, signed, also when it refused them before a restart", async () => {
    const isRaise = ({ body }: ReceivedHook) => body.type === "alarm.raised";
    await waitFor(() => receiver.received.some(isRaise), { describe: "the webhook", timeoutMs: 45_000 });
    receiver.answer = 500;
    // The process is another one after the restart, and with it the worker that is too large.
    const { id } = await firstAlarm();
    await flow.restart();
    const of = (answer: number) =>
      receiver.received.filter((hook) => isRaise(hook) && hook.body.data.id !== id && hook.answer === answer);
    await waitFor(() => of(500).length > 0, { describe: "a refused message", timeoutMs: 45_000 });
    await flow.restart();
    receiver.answer = 204;
    const refusedId = of(500)[0]!.headers["webhook-id"];

    const taken = await waitFor(() => of(204).find(({ headers }) => headers["webhook-id"] === refusedId), {
      describe: "the message again",
      timeoutMs: 45_000,
    });

    expect(receiver.received.every((hook) => hook.headers["webhook-signature"] === signatureOf(hook))).toBe(
      true,
    );
    expect(taken.headers["webhook-timestamp"]).toMatch(/^\d{10}$/);
  }, 180_000);
});

describe("a server with nothing wrong", () => {
  let flow: Flow;
  afterEach(() => flow.stop());

  it("has no alarm, whether idle or at work", async () => {
    flow = await Flow.start("embedded", eager);

    await flow.expectAlive();
    // Several looks.
    await sleep(5_000);
    await flow.server.stop();

    const database = await openEmbedded(flow.folder);
    const found = await sql<{ looks: number; alarms: number }>`
      SELECT number AS looks, (SELECT count(*) FROM alarm) AS alarms FROM alarm_look`.execute(
      database.queryable,
    );
    await database.close();
    expect(found.rows[0]?.looks).toBeGreaterThan(0);
    expect(found.rows[0]?.alarms).toBe(0);
  });
});
