import type { SettingsSection } from "@millrace/kernel";
import { z } from "zod";
import { parseModelLimits } from "./limits/model-limits.ts";

const dollars = (what: string) => z.coerce.number().min(0).max(1_000_000_000).optional().describe(what);
const tokens = (what: string) => z.coerce.number().int().min(0).max(1e15).optional().describe(what);

const schema = z.object({
  BUDGET_DAY_DOLLARS: dollars(
    "Most US dollars that all model calls may cost in a day (UTC). Unset: no limit.",
  ),
  BUDGET_MONTH_DOLLARS: dollars("The same in a month."),
  BUDGET_DAY_TOKENS: tokens("Most tokens that all model calls may read and write in a day. Unset: no limit."),
  BUDGET_MONTH_TOKENS: tokens("The same in a month."),
  BUDGET_OWNER_DAY_DOLLARS: dollars("Most US dollars for each owner in a day. Unset: no limit."),
  BUDGET_OWNER_MONTH_DOLLARS: dollars("The same in a month."),
  BUDGET_OWNER_DAY_TOKENS: tokens("Most tokens for each owner in a day. Unset: no limit."),
  BUDGET_OWNER_MONTH_TOKENS: tokens("The same in a month."),
  BUDGET_WARN_PERCENT: z.coerce
    .number()
    .min(1)
    .max(100)
    .default(80)
    .describe("Alarm when so much of a budget is used, in percent."),
  MODEL_LIMITS: z
    .string()
    .transform((text, context) => {
      const read = parseModelLimits(text);
      if ("limits" in read) return read.limits;
      context.addIssue({ code: "custom", message: read.problem });
      return z.NEVER;
    })
    .optional()
    .describe(
      "Requests and tokens a minute of models, over all workers: openai:gpt-5-mini=500rpm,200000tpm;gemini:gemini-2.5-flash=60rpm. Unset: no limit.",
    ),
  MODEL_CACHE_TTL_SECONDS: z.coerce
    .number()
    .int()
    .min(0)
    .max(30 * 86_400)
    .default(86_400)
    .describe("How long answers of models are kept for equal questions, in seconds. 0: not at all."),
  MODEL_CACHE_SHARED: z
    .enum(["true", "false"])
    .default("false")
    .describe("true: owners are given each other's stored answers. false: each only its own."),
});

export type UsageSettings = Readonly<z.output<typeof schema>>;

/** What model calls may cost, how fast they may come, and how long their answers are kept. */
export const usageSettings = { title: "Use of models", schema } satisfies SettingsSection;
