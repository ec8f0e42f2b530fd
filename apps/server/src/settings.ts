// From entries of their own: a process that watches over others reads settings, and must not load the rest.
import { redisSettings } from "@millrace/cache/settings";
import { databaseSettings } from "@millrace/database/settings";
import { documentSettings } from "@millrace/documents/settings";
import { integerSetting, logLevels, parseSettings } from "@millrace/kernel";
import type { SettingsSection } from "@millrace/kernel";
import { checkModelSettings, modelSettings, modelSettingsSchema } from "@millrace/models/settings";
import { ocrSettings, virusSettings } from "@millrace/extract/settings";
import { outboundSettings } from "@millrace/outbound/settings";
import { taskOverrides } from "@millrace/queue/settings";
import type { TaskOverrides } from "@millrace/queue/settings";
import { summarySettings } from "@millrace/summaries/settings";
import { usageSettings } from "@millrace/usage/settings";
import { z } from "zod";
import { alarmSettings } from "./alarms/settings.ts";
import { crewSettings } from "./crews/settings.ts";
import { serverSettings, serverSettingsSchema } from "./http/settings.ts";
import { roleSettings } from "./roles/settings.ts";
import { upkeepSettings } from "./upkeep/settings.ts";

function parseTaskOverrides(text: string, context: z.RefinementCtx): TaskOverrides {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    context.addIssue({ code: "custom", message: "must be JSON, an object with task names as keys" });
    return z.NEVER;
  }
  const read = taskOverrides.safeParse(parsed);
  if (read.success) return read.data;
  for (const { path, message } of read.error.issues) {
    context.addIssue({ code: "custom", message: `${path.join(".")}: ${message}` });
  }
  return z.NEVER;
}

const workerSettings = {
  title: "Workers and log",
  schema: z.object({
    WORKER_CONCURRENCY: integerSetting({ min: 1, max: 1000, byDefault: 4 }).describe(
      "Jobs that one process runs at once.",
    ),
    WORKER_QUEUES: z
      .string()
      .regex(
        /^[a-z][a-z0-9_]*(:\d{1,3})?(,[a-z][a-z0-9_]*(:\d{1,3})?)*$/,
        "must be queue names with commas between, such as documents,chat or documents,chat:2",
      )
      .optional()
      .describe(
        "Queues this process takes jobs from, each in its turn. Unset: all. chat:2 keeps two slots for chat alone; by default one is kept for each queue where there are four or more for each.",
      ),
    WORKER_NAME: z
      .string()
      .max(100)
      .optional()
      .describe(
        "How this worker calls itself; %h is the machine's name. Unset: worker@%h. Of several processes each adds its number: worker@%h-2.",
      ),
    WORKER_LEASE_SECONDS: integerSetting({ min: 3, max: 3600, byDefault: 60 }).describe(
      "With PostgreSQL: how long a silent worker keeps its jobs. It beats four times as often.",
    ),
    TASK_OVERRIDES: z
      .string()
      .transform(parseTaskOverrides)
      .optional()
      .describe(
        'Queue, priority, retries and limits of tasks by name or pattern, as JSON: {"documents.*":{"queue":"slow","rateLimit":"10/m"}}. Unset: as the program says.',
      ),
    LOG_LEVEL: z
      .enum(logLevels)
      .default("info")
      .describe(`One of ${logLevels.join(", ")}.`),
  }),
} satisfies SettingsSection;

/** Every section of the settings, in the order of `.env.example`. */
export const settingsSections: readonly SettingsSection[] = [
  serverSettings,
  databaseSettings,
  redisSettings,
  workerSettings,
  roleSettings,
  alarmSettings,
  documentSettings,
  upkeepSettings,
  virusSettings,
  ocrSettings,
  modelSettings,
  usageSettings,
  summarySettings,
  crewSettings,
  outboundSettings,
];

const schema = z.object({
  ...serverSettingsSchema.shape,
  ...databaseSettings.schema.shape,
  ...redisSettings.schema.shape,
  ...workerSettings.schema.shape,
  ...roleSettings.schema.shape,
  ...alarmSettings.schema.shape,
  ...documentSettings.schema.shape,
  ...upkeepSettings.schema.shape,
  ...virusSettings.schema.shape,
  ...ocrSettings.schema.shape,
  ...modelSettingsSchema.shape,
  ...usageSettings.schema.shape,
  ...summarySettings.schema.shape,
  ...crewSettings.schema.shape,
  ...outboundSettings.schema.shape,
});

export type Settings = z.output<typeof schema>;

/** Reads the environment once, all sections together. Throws `invalid_settings` with every problem. */
export function readSettings(environment: Readonly<Record<string, string | undefined>>): Readonly<Settings> {
  return parseSettings(schema, environment, checkModelSettings);
}
