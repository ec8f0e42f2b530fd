import type { Database } from "@millrace/database";
import { toError } from "@millrace/kernel";
import type { Clock, Logger } from "@millrace/kernel";
import { recordNotTold, recordTold, takeAlarmToTell } from "@millrace/queue";
import { isGone, recordBack, recordGone } from "./gone-webhook.ts";
import { testMessage, webhookMessage } from "./webhook-message.ts";
import type { WebhookMessage } from "./webhook-message.ts";

const timeoutMs = 5_000;
/** Longer than a try can take, by far: a second process must not send what the first one is sending. */
const leaseMs = 30_000;
const firstDelayMs = 10_000;
const maxDelayMs = 3_600_000;
/** In one go, so that a receiver that hangs is not asked for long. */
const maxInOneGo = 20;

export type WebhookParts = {
  readonly database: Database;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly url: string;
  readonly secret: string | undefined;
};

/**
 * Sends what is to be told, oldest first, until nothing is due or the signal aborts. What could not be
 * sent is tried again later, by this or another process, at least once in all: an answer that is lost is
 * asked for again, with the same `webhook-id`.
 */
export async function tellWebhook(parts: WebhookParts, signal: AbortSignal): Promise<void> {
  const access = parts.database.background;
  if (await isGone(access, parts.url)) return;
  for (let sent = 0; sent < maxInOneGo && !signal.aborted; sent++) {
    const untold = await takeAlarmToTell(access, leaseMs);
    if (untold === undefined) return;
    const message = webhookMessage(untold, { secret: parts.secret, now: parts.clock.now() });
    const sending = await send(parts.url, message, signal);
    if (sending.isGone) {
      await recordGone(access, parts.url);
      parts.logger.warn(
        { alarm: untold.alarm.id },
        "the webhook of the alarms answered 410 Gone: it is not called again until ALARM_WEBHOOK_URL changes or millrace alarms test reaches it",
      );
      // Kept for when it is back.
      return await recordNotTold(access, untold, 0);
    }
    const { problem } = sending;
    if (problem === undefined) {
      await recordTold(access, untold);
      continue;
    }
    // This process stops: the next one is to send it at once.
    if (signal.aborted) return await recordNotTold(access, untold, 0);
    const delayMs = Math.min(maxDelayMs, firstDelayMs * 2 ** (untold.tries - 1));
    parts.logger.warn(
      { alarm: untold.alarm.id, tries: untold.tries, retryInSeconds: delayMs / 1000, problem },
      "the webhook of the alarms could not be called",
    );
    await recordNotTold(access, untold, delayMs);
  }
}

/**
 * Sends a message that tells of no alarm. One that is taken ends what 410 Gone began; one that is answered so
 * begins it.
 */
export async function tryWebhook(
  { database, clock, url, secret }: Omit<WebhookParts, "logger">,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { problem, isGone: saysGone } = await send(url, testMessage({ secret, now: clock.now() }), signal);
  if (problem === undefined) await recordBack(database, url);
  if (saysGone) await recordGone(database, url);
  return problem;
}

type Sending = {
  /** Undefined when it was taken; else why not, without the address, which may hold a secret. */
  readonly problem: string | undefined;
  readonly isGone: boolean;
};

async function send(url: string, { headers, body }: WebhookMessage, signal: AbortSignal): Promise<Sending> {
  const failed = (problem: string): Sending => ({ problem, isGone: false });
  try {
    const response = await fetch(url, {
      method: "POST",
      headers,
      body,
      // Somewhere else nobody has said that it may be sent.
      redirect: "manual",
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });
    await response.body?.cancel();
    const { status } = response;
    return { problem: response.ok ? undefined : `it answered ${status}`, isGone: status === 410 };
  } catch (error) {
    const { name, cause } = toError(error);
    if (name === "TimeoutError") return failed(`it did not answer within ${timeoutMs} ms`);
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : name;
    return failed(`it could not be reached (${code})`);
  }
}
