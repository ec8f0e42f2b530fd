import { createHmac } from "node:crypto";
import type { AlarmNotice, AlarmTestNotice } from "@millrace/contracts";
import { newId } from "@millrace/kernel";
import { toAlarm } from "@millrace/queue";
import type { AlarmToTell } from "@millrace/queue";
import { webhookKeyOf } from "./webhook-secret.ts";

export type WebhookMessage = {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

type Signing = { readonly secret: string | undefined; readonly now: Date };

/**
 * What is sent of an alarm, with the headers of Standard Webhooks. The id is the same each time that one
 * change is sent, so that the receiver can tell a repetition; the time is that of this try.
 */
export function webhookMessage({ alarm, change }: AlarmToTell, { secret, now }: Signing): WebhookMessage {
  const changedAt = change === "raised" ? alarm.raised_at : (alarm.cleared_at ?? now);
  const notice: AlarmNotice = {
    type: `alarm.${change}`,
    timestamp: changedAt.toISOString(),
    data: toAlarm(alarm),
  };
  return signed(`alarm_${alarm.id}_${change}`, notice, { secret, now });
}

/** A message that tells of no alarm: whether it arrives, and its signature is right. */
export function testMessage(given: Signing): WebhookMessage {
  const notice: AlarmTestNotice = { type: "alarm.test", timestamp: given.now.toISOString(), data: {} };
  return signed(`alarm_test_${newId()}`, notice, given);
}

function signed(id: string, notice: AlarmNotice | AlarmTestNotice, { secret, now }: Signing): WebhookMessage {
  const body = JSON.stringify(notice);
  const timestamp = `${Math.floor(now.getTime() / 1000)}`;
  const headers = { "content-type": "application/json", "webhook-id": id, "webhook-timestamp": timestamp };
  if (secret === undefined) return { headers, body };
  const signature = createHmac("sha256", webhookKeyOf(secret))
    .update(`${id}.${timestamp}.${body}`)
    .digest("base64");
  return { headers: { ...headers, "webhook-signature": `v1,${signature}` }, body };
}
