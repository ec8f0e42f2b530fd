import type { Database } from "@millrace/database";
import { toError } from "@millrace/kernel";
import type { Clock, Logger } from "@millrace/kernel";
import { recordNotTold, recordTold, takeAlarmToTell } from "@millrace/queue";
import { webhookMessage } from "./webhook-message.ts";
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
  for (let sent = 0; sent < maxInOneGo && !signal.aborted; sent++) {
    const untold = await takeAlarmToTell(access, leaseMs);
    if (untold === undefined) return;
    const message = webhookMessage(untold, { secret: parts.secret, now: parts.clock.now() });
    const problem = await send(parts.url, message, signal);
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

/** Undefined when it was taken; else why not, without the address, which may hold a secret. */
async function send(
  url: string,
  { headers, body }: WebhookMessage,
  signal: AbortSignal,
): Promise<string | undefined> {
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
    return response.ok ? undefined : `it answered ${response.status}`;
  } catch (error) {
    const { name, cause } = toError(error);
    if (name === "TimeoutError") return `it did not answer within ${timeoutMs} ms`;
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : name;
    return `it could not be reached (${code})`;
  }
}
