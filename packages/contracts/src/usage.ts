import { z } from "zod";
import { idSchema, momentSchema, pageQuerySchema } from "./common.ts";

/** By what calls of models can be summed up. */
export const usageGroups = ["day", "model", "purpose"] as const;
export const usageGroupSchema = z.enum(usageGroups);
export type UsageGroup = z.infer<typeof usageGroupSchema>;

/** `cached` and `shared` answers were there, or came of an equal call in flight: they cost nothing. */
export const callOutcomeSchema = z.enum(["answered", "cached", "shared", "failed", "cancelled"]);

const groupList = /^(day|model|purpose)(,(day|model|purpose))*$/;

/** `GET /api/usage`. Without `from` the last 30 days; at most 400. */
export const usageQuerySchema = z.strictObject({
  by: z
    .string()
    .regex(groupList, "must be day, model, purpose, or several of them with commas between")
    .default("day")
    .describe("day, model, purpose, or several of them with commas between"),
  from: momentSchema.optional(),
  to: momentSchema.optional(),
});

const count = z.number();
const usageSumsSchema = z.object({
  calls: count,
  answered: count,
  /** Answers that were stored or shared. */
  saved: count,
  failed: count,
  cancelled: count,
  input_tokens: count,
  output_tokens: count,
  /** Of `input_tokens`, what servers read from their own caches of prompts. */
  cached_input_tokens: count,
  /** US dollars, of the calls whose price is known. */
  cost: count,
  /** Answered calls of which nobody knows what they cost. */
  unpriced: count,
});

/** One group. What was not grouped by is null. */
export const usageRowSchema = usageSumsSchema.extend({
  day: z.string().nullable(),
  model: z.string().nullable(),
  purpose: z.string().nullable(),
});
export type UsageRow = z.infer<typeof usageRowSchema>;

export const usageSchema = z
  .object({
    from: momentSchema,
    to: momentSchema,
    /** The newest day first, then what cost most; 1,000 groups at most. */
    data: z.array(usageRowSchema),
    /** All calls of the time. */
    total: usageSumsSchema,
    /** What is paid: each recorded step of a job once, whatever was called for it. */
    charged: z.object({
      steps: count,
      input_tokens: count,
      output_tokens: count,
      cost: count,
      unpriced: count,
    }),
  })
  .meta({ id: "Usage" });
export type Usage = z.infer<typeof usageSchema>;

/** `GET /api/usage/calls`. */
export const callListQuerySchema = pageQuerySchema.extend({
  from: momentSchema.optional(),
  to: momentSchema.optional(),
  model: z.string().max(300).optional(),
  purpose: z.string().max(300).optional(),
  outcome: callOutcomeSchema.optional(),
  job: idSchema.optional(),
});

export const modelCallSchema = z
  .object({
    id: idSchema,
    called_at: momentSchema,
    /** Null: the installation's own work. */
    owner: z.string().nullable(),
    job_id: idSchema.nullable(),
    step: z.string().nullable(),
    purpose: z.string(),
    kind: z.enum(["chat", "embedding"]),
    model: z.string(),
    prompt: z.string().nullable(),
    outcome: callOutcomeSchema,
    error_code: z.string().nullable(),
    /** Null: the server does not say. */
    input_tokens: z.number().nullable(),
    output_tokens: z.number().nullable(),
    cached_input_tokens: z.number().nullable(),
    /** US dollars; null: unknown. */
    cost: z.number().nullable(),
    latency_ms: z.number(),
  })
  .meta({ id: "ModelCall" });
export type ModelCall = z.infer<typeof modelCallSchema>;

// Left out is not null: a forgotten limit would be lifted.
const needed = { error: "is needed: a number, or null for no limit" };
const dollars = z.number(needed).min(0).max(1_000_000_000).nullable();
const tokens = z.int(needed).min(0).max(1e15).nullable();

/** `PUT /api/budgets/{scope}`: all four limits; null is none. */
export const setBudgetSchema = z
  .strictObject({
    day_dollars: dollars,
    month_dollars: dollars,
    day_tokens: tokens,
    month_tokens: tokens,
  })
  .meta({ id: "SetBudget" });

export const budgetSchema = z
  .object({
    /** An owner, or `installation`: all calls together. */
    scope: z.string(),
    limits: z.object({
      day_dollars: z.number().nullable(),
      month_dollars: z.number().nullable(),
      day_tokens: z.number().nullable(),
      month_tokens: z.number().nullable(),
    }),
    /** In this day and month, UTC. */
    used: z.object({
      day_dollars: z.number(),
      month_dollars: z.number(),
      day_tokens: z.number(),
      month_tokens: z.number(),
    }),
    /** Set aside for calls under way. */
    reserved: z.object({ dollars: z.number(), tokens: z.number() }),
    /** Of the limit that is nearest, with what is set aside. */
    used_percent: z.number(),
    /** `exceeded`: calls are refused, or all is used. One that may cost more than is left is refused before that. */
    state: z.enum(["ok", "near", "exceeded"]),
    /** Null: as the settings say. */
    changed_by: z.string().nullable(),
    changed_at: momentSchema.nullable(),
  })
  .meta({ id: "Budget" });
export type Budget = z.infer<typeof budgetSchema>;
