import type { SettingsSection } from "@millrace/kernel";
import { z } from "zod";

/** What the operator says of summaries. */
export const summarySettings = {
  title: "Summaries",
  schema: z.object({
    SUMMARY_SIMILARITY: z
      .string()
      .transform((text, context): number => {
        if (text === "off") return Infinity;
        const least = text.trim() === "" ? Number.NaN : Number(text);
        if (least >= 0.8 && least <= 1) return least;
        context.addIssue({ code: "custom", message: "must be a number from 0.8 to 1, or off" });
        return z.NEVER;
      })
      .optional()
      .describe(
        "How near two texts must be, as the cosine of their vectors, for the summary of the one to be shown for the other; off: only for the same text. Unset: 0.95 with an embedding model, 0.98 with the built-in one.",
      ),
  }),
} satisfies SettingsSection;
