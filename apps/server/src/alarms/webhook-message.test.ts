import { createHmac } from "node:crypto";
import { alarmNoticeSchema } from "@millrace/contracts";
import { describe, expect, it } from "vitest";
import { webhookMessage } from "./webhook-message.ts";
import { isWebhookSecret } from "./webhook-secret.ts";

const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
const now = new Date("2026-11-22T10:00:00.700Z");
const alarm = {
  id: "01939d4e-0000-7000-8000-000000000001",
  kind: "queue_depth",
  subject: "chat",
  severity: "warning",
  message: "11 jobs wait in queue chat; the threshold is 10.",
  details: { figure: 11, threshold: 10 },
  raised_at: new Date("2026-11-22T09:59:00Z"),
  last_seen_at: new Date("2026-11-22T09:59:50Z"),
  cleared_at: null,
  acknowledged_at: null,
  acknowledged_by: null,
} as const;
const raised = { alarm, change: "raised", tries: 1 } as const;

describe("what the webhook is sent", () => {
  it("is the alarm, and when it changed", () => {
    const { body } = webhookMessage(raised, { secret: undefined, now });

    expect(alarmNoticeSchema.parse(JSON.parse(body))).toMatchObject({
      type: "alarm.raised",
      timestamp: "2026-11-22T09:59:00.000Z",
      data: { id: alarm.id, kind: "queue_depth", state: "open" },
    });
  });

  it("is signed over its id, its time and its text with the bytes of the secret", () => {
    const { headers, body } = webhookMessage(raised, { secret, now });

    const id = headers["webhook-id"];
    const timestamp = headers["webhook-timestamp"];
    const expected = createHmac("sha256", Buffer.alloc(32, 7)).update(`${id}.${timestamp}.${body}`);
    expect(timestamp).toBe("1795341600");
    expect(headers["webhook-signature"]).toBe(`v1,${expected.digest("base64")}`);
  });

  it("has no signature without a secret", () => {
    expect(webhookMessage(raised, { secret: undefined, now }).headers).not.toHaveProperty(
      "webhook-signature",
    );
  });

  it("has an id of its own for each change, the same each time it is sent, and without a full stop", () => {
    const idOf = (change: "raised" | "cleared", at: Date) =>
      webhookMessage({ alarm, change, tries: 2 }, { secret, now: at }).headers["webhook-id"];

    expect(idOf("raised", now)).toBe(idOf("raised", new Date(0)));
    expect(idOf("cleared", now)).not.toBe(idOf("raised", now));
    expect(idOf("raised", now)).not.toContain(".");
  });
});

describe("a secret", () => {
  it.each([
    [secret, true],
    [`whsec_${Buffer.alloc(24).toString("base64")}`, true],
    [`whsec_${Buffer.alloc(23).toString("base64")}`, false],
    [`whsec_${Buffer.alloc(65).toString("base64")}`, false],
    [secret.slice(6), false],
    ["whsec_ not base64 at all, and rather long", false],
  ])("%s: %s", (text, isOne) => {
    expect(isWebhookSecret(text)).toBe(isOne);
  });
});
