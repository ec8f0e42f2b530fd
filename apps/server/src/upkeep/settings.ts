import { integerSetting } from "@millrace/kernel";
import type { SettingsSection } from "@millrace/kernel";
import { z } from "zod";

const schema = z.object({
  FAILED_JOB_DAYS: z.coerce
    .number()
    .int()
    .min(1)
    .max(3650)
    .optional()
    .describe("Failed jobs are deleted this long after they failed. Unset: as their tasks say, 30 days."),
  JOB_LOG_DAYS: integerSetting({ min: 1, max: 7, byDefault: 7 }).describe(
    "For how many days the lines that jobs log are kept.",
  ),
  CREW_RUN_DAYS: integerSetting({ min: 1, max: 3650, byDefault: 90 }).describe(
    "For how many days ended runs of crews are kept, with their outputs and files.",
  ),
});

/** What the product's own schedules begin with; people may change the schedules while it runs. */
export const upkeepSettings = { title: "Upkeep", schema } satisfies SettingsSection;
export type UpkeepSettings = z.output<typeof schema>;
