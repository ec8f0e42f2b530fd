import {
  keyPointsResultSchema,
  sentimentResultSchema,
  summaryResultSchema,
  topicsResultSchema,
} from "@millrace/contracts";
import type { PartName } from "@millrace/contracts";
import { z } from "zod";
import { mergeSentiments, mergeTopics } from "./merge-results.ts";
import type { Weighed } from "./merge-results.ts";

/** How one part is asked for, checked, and put together from the results of stretches. */
export type PartPlan<Result> = {
  /** The public schema, and not empty: an empty answer is no analysis, and the model is asked again. */
  readonly schema: z.ZodType<Result>;
  /** Results as a text that a model merges into one. */
  readonly asText: (results: readonly Result[]) => string;
  /** Merges without a model. Undefined where only a model can. */
  readonly mergeByCounting: (
    stretches: ReadonlyArray<Weighed<Result>>,
    isBuiltIn: boolean,
  ) => Result | undefined;
};

/** The result of each part. */
export type PartResults = {
  summary: z.infer<typeof summaryResultSchema>;
  key_points: z.infer<typeof keyPointsResultSchema>;
  sentiment: z.infer<typeof sentimentResultSchema>;
  topics: z.infer<typeof topicsResultSchema>;
};

const hasText = (text: string) => text.trim() !== "";
const someText = z.string().refine(hasText, "must not be empty");
const byModelOnly = () => undefined;

export const partPlans: { readonly [Part in PartName]: PartPlan<PartResults[Part]> } = {
  summary: {
    schema: summaryResultSchema.extend({ text: someText }),
    asText: (results) => results.map(({ text }) => text).join("\n\n"),
    mergeByCounting: byModelOnly,
  },
  key_points: {
    schema: keyPointsResultSchema.extend({
      points: z.array(someText).refine((points) => points.length > 0, "must have at least one point"),
    }),
    asText: (results) => results.flatMap(({ points }) => points.map((point) => `- ${point}`)).join("\n"),
    mergeByCounting: byModelOnly,
  },
  sentiment: {
    schema: sentimentResultSchema.refine(
      ({ label, evidence }) => label === "neutral" || evidence.some(hasText),
      { path: ["evidence"], message: "must have at least one sentence" },
    ),
    asText: (results) => results.flatMap(({ evidence }) => evidence).join("\n"),
    // A mean needs no model, and no model is better at it.
    mergeByCounting: (stretches) => mergeSentiments(stretches),
  },
  topics: {
    schema: topicsResultSchema.extend({
      topics: z.array(someText).refine((topics) => topics.length > 0, "must have at least one topic"),
    }),
    asText: (results) => results.map(({ topics }) => topics.join(", ")).join("\n"),
    mergeByCounting: (stretches, isBuiltIn) =>
      isBuiltIn ? mergeTopics(stretches.map(({ result }) => result)) : undefined,
  },
};
