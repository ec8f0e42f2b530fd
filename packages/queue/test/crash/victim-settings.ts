import { z } from "zod";

const schema = z.object({
  /** How the test calls this launch. */
  CRASH_LAUNCH: z.string(),
  CRASH_RECEIVER: z.string(),
  CRASH_ROLE: z.enum(["script", "survivor"]).default("script"),
  CRASH_FOLDER: z.string().optional(),
  CRASH_DATABASE_URL: z.string().optional(),
});

export function victimSettings(environment: NodeJS.ProcessEnv): z.output<typeof schema> {
  return schema.parse(environment);
}

/** Short, so that the jobs of a dead process come back soon. */
export const leaseMs = 2_500;
/** How soon a worker hears, at the latest, that a job is no longer its own. */
export const beatMs = 400;

/** How the test calls the launch that lives on, where there is one. */
export const survivorName = "survivor";
