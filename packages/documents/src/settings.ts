import { integerSetting } from "@millrace/kernel";
import type { SettingsSection } from "@millrace/kernel";
import { z } from "zod";

/** What is done with a document whose bytes its owner has already. */
export const duplicatePolicies = ["show", "keep", "reject"] as const;

const schema = z.object({
  DUPLICATE_DOCUMENTS: z
    .enum(duplicatePolicies)
    .default("show")
    .describe(
      "A document whose bytes are there already: show takes it in and names the first one, keep takes it in like any other, reject refuses it.",
    ),
  TRASH_DAYS: integerSetting({ min: 0, max: 3650, byDefault: 30 }).describe(
    "For how many days deleted documents stay in the trash, from where they can be restored. 0: there is no trash, what is deleted is gone.",
  ),
});

/** How documents are kept; processes that serve the API and those that run jobs must agree. */
export const documentSettings = { title: "Documents", schema } satisfies SettingsSection;
export type DocumentSettings = z.output<typeof schema>;
