import { alarmKinds } from "@millrace/contracts";
import type { AlarmKind } from "@millrace/contracts";
import { integerSetting, isMillraceError } from "@millrace/kernel";
import type { SettingsSection } from "@millrace/kernel";
import { parseQueueThresholds } from "@millrace/queue/settings";
import type { AlarmThresholds } from "@millrace/queue/settings";
import { z } from "zod";
import { isWebhookSecret } from "./webhook-secret.ts";

/** Kept as text, so that the default can be shown. */
const queueThresholds = (byDefault: string) =>
  z
    .string()
    .superRefine((text, context) => {
      try {
        parseQueueThresholds(text);
      } catch (error) {
        if (!isMillraceError(error)) throw error;
        context.addIssue({ code: "custom", message: error.message });
      }
    })
    .default(byDefault);

function parseKinds(text: string, context: z.RefinementCtx): readonly AlarmKind[] {
  const names = text.split(",").map((name) => name.trim());
  for (const name of names) {
    if ((alarmKinds as readonly string[]).includes(name)) continue;
    const message = `${JSON.stringify(name)} is no kind of alarm. There are ${alarmKinds.join(", ")}.`;
    context.addIssue({ code: "custom", message });
  }
  return alarmKinds.filter((kind) => names.includes(kind));
}

const alarmSettingsSchema = z.object({
  ALARM_QUEUE_DEPTH: queueThresholds("chat:10,*:10000").describe(
    "Alarm when more due jobs wait in a queue, by its name or the beginning of it with a star; off for none.",
  ),
  ALARM_OLDEST_WAIT_SECONDS: queueThresholds("chat:30,*:300").describe(
    "Alarm when the oldest due job of a queue has waited longer, in seconds, by queue as above.",
  ),
  ALARM_FAILED_JOBS: queueThresholds("*:1000").describe(
    "Alarm when more failed jobs are left in a queue, by queue as above.",
  ),
  ALARM_FAILURE_RATE_PERCENT: z.coerce
    .number()
    .min(0)
    .max(100)
    .default(1)
    .describe(
      "Alarm when a larger share of the jobs of a queue or of a task fails, in percent of those that ended.",
    ),
  ALARM_FAILURE_WINDOW_SECONDS: integerSetting({ min: 60, max: 86_400, byDefault: 600 }).describe(
    "The time over which that share is taken, in seconds.",
  ),
  ALARM_FAILURE_MIN_ENDS: integerSetting({ min: 1, max: 1_000_000, byDefault: 20 }).describe(
    "Jobs that must have ended in that time, or their share says nothing.",
  ),
  ALARM_CRASHED_HOURS: integerSetting({ min: 1, max: 720, byDefault: 24 }).describe(
    "For how many hours a job that failed because it killed its worker is an alarm.",
  ),
  ALARM_WORKER_IDLE_SECONDS: integerSetting({ min: 10, max: 86_400, byDefault: 60 }).describe(
    "Alarm when a job waits longer, in seconds, for a live worker that could run it and does nothing.",
  ),
  ALARM_WORKER_MEMORY_BYTES: integerSetting({
    min: 1_000_000,
    max: 2 ** 50,
    byDefault: 2 * 1024 ** 3,
  }).describe("Alarm when the process of a worker uses more memory, in bytes. Default 2 GiB."),
  ALARM_DATABASE_P95_MS: z.coerce
    .number()
    .int()
    .min(1)
    .max(60_000)
    .optional()
    .describe(
      "Alarm when 5 % of a process's round trips to the database take longer, in milliseconds, over two minutes. Unset: 50; embedded 250.",
    ),
  ALARM_PAUSED_HOURS: integerSetting({ min: 1, max: 8_760, byDefault: 8 }).describe(
    "Alarm when a queue has been paused for longer, in hours, and the pause has no end.",
  ),
  ALARM_OLD_SNAPSHOT_SECONDS: integerSetting({ min: 10, max: 86_400, byDefault: 60 }).describe(
    "Alarm when anybody's transaction on PostgreSQL has been open for longer, in seconds.",
  ),
  ALARM_OFF: z
    .string()
    .transform(parseKinds)
    .optional()
    .describe("Kinds of alarms that are not wanted, with commas between: clock_jump,worker_memory."),
  ALARM_LOOK_SECONDS: integerSetting({ min: 1, max: 3_600, byDefault: 10 }).describe(
    "How far looks for alarms are apart, in seconds. One process looks for all: they must agree on this.",
  ),
  ALARM_AFTER_LOOKS: integerSetting({ min: 1, max: 1_000, byDefault: 3 }).describe(
    "So many looks in a row must find it before an alarm is raised, and miss it before it is cleared.",
  ),
  ALARM_WEBHOOK_URL: z
    .url({ protocol: /^https?$/, error: "Use an address such as https://hooks.example.org/millrace" })
    // Node does not call such an address.
    .refine((url) => !URL.canParse(url) || new URL(url).username === "", {
      error: "must have no user and password in it; ALARM_WEBHOOK_SECRET shows that it comes from here",
    })
    .optional()
    .describe("Where each alarm is sent as JSON when it is raised and when it is cleared."),
  ALARM_WEBHOOK_SECRET: z
    .string()
    .refine(isWebhookSecret, {
      error:
        "must be whsec_ and 24 to 64 random bytes in base64. Make one: echo whsec_$(openssl rand -base64 32)",
    })
    .optional()
    .describe(
      "Signs what the webhook is sent (Standard Webhooks): whsec_ and 24 to 64 bytes in base64. Unset: no signature.",
    ),
});

export type AlarmSettings = Readonly<z.output<typeof alarmSettingsSchema>>;

/** When something is an alarm, and who is told. */
export const alarmSettings = {
  title: "Alarms",
  schema: alarmSettingsSchema,
} satisfies SettingsSection;

/** The thresholds of what is looked for in the database. */
export function alarmThresholds(settings: AlarmSettings): AlarmThresholds {
  return {
    queueDepth: parseQueueThresholds(settings.ALARM_QUEUE_DEPTH),
    oldestWaitSeconds: parseQueueThresholds(settings.ALARM_OLDEST_WAIT_SECONDS),
    failedJobs: parseQueueThresholds(settings.ALARM_FAILED_JOBS),
    failureRatePercent: settings.ALARM_FAILURE_RATE_PERCENT,
    failureWindowSeconds: settings.ALARM_FAILURE_WINDOW_SECONDS,
    failureMinEnds: settings.ALARM_FAILURE_MIN_ENDS,
    crashedHours: settings.ALARM_CRASHED_HOURS,
    workerIdleSeconds: settings.ALARM_WORKER_IDLE_SECONDS,
    workerMemoryBytes: settings.ALARM_WORKER_MEMORY_BYTES,
    pausedHours: settings.ALARM_PAUSED_HOURS,
    oldSnapshotSeconds: settings.ALARM_OLD_SNAPSHOT_SECONDS,
  };
}
