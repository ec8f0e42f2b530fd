import { createHmac } from "node:crypto";
import type { AlarmNotice } from "@millrace/contracts";
import { toAlarm } from "@millrace/queue";
import type { AlarmToTell } from "@millrace/queue";
import { webhookKeyOf } from "./webhook-secret.ts";

export type WebhookMessage = {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

/**
 * What is sent of an alarm, with the headers of Standard Webhooks. The id is the same each time that one
 * change is sent, so that the receiver can tell a repetition; the time is that of this try.
 */
export function webhookMessage(
  { alarm, change }: AlarmToTell,
  { secret, now }: { readonly secret: string | undefined; readonly now: Date },
): WebhookMessage {
  const changedAt = change === "raised" ? alarm.raised_at : (alarm.cleared_at ?? now);
  const notice: AlarmNotice = {
    type: `alarm.${change}`,
    timestamp: changedAt.toISOString(),
    data: toAlarm(alarm),
  };
  const body = JSON.stringify(notice);
  const id = `alarm_${alarm.id}_${change}`;
  const timestamp = `${Math.floor(now.getTime() / 1000)}`;
  const headers = { "content-type": "application/json", "webhook-id": id, "webhook-timestamp": timestamp };
  if (secret === undefined) return { headers, body };
  const signature = createHmac("sha256", webhookKeyOf(secret))
    .update(`${id}.${timestamp}.${body}`)
    .digest("base64");
  return { headers: { ...headers, "webhook-signature": `v1,${signature}` }, body };
}
