import { z } from "zod";

const rate = z
  .string()
  .max(50)
  .describe("Starts per time, as `10/m`. `none`: no limit. Null: what the program says.");
const count = z
  .union([z.int().min(0).max(2_147_483_646), z.literal("none")])
  .describe("Jobs at once. `none`: no limit. Null: what the program says.");

/** What people have set for a task; null where the program's own limit holds. */
export const taskLimitSettingsSchema = z
  .object({
    task: z.string(),
    /** Over all workers. */
    rate_limit: rate.nullable(),
    /** The same, for each key of the task. */
    key_rate_limit: rate.nullable(),
    /** Over all workers; 0 lets nothing start. */
    concurrency: count.nullable(),
    key_concurrency: count.nullable(),
  })
  .meta({ id: "TaskLimitSettings" });
export type TaskLimitSettings = z.infer<typeof taskLimitSettingsSchema>;

/** `PATCH /api/tasks/{name}/limits`: what is left out stays as it is. */
export const updateTaskLimitsSchema = z
  .strictObject(taskLimitSettingsSchema.omit({ task: true }).shape)
  .partial()
  .meta({ id: "UpdateTaskLimits" });
export type UpdateTaskLimits = z.infer<typeof updateTaskLimitsSchema>;
