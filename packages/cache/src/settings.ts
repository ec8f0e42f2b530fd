import type { SettingsSection } from "@millrace/kernel";
import { z } from "zod";

export const redisSettings = {
  title: "Redis",
  schema: z.object({
    REDIS_URL: z
      .url({ protocol: /^rediss?$/, error: "must look like redis://user:password@host:6379/0, or rediss://" })
      .optional()
      .describe(
        "Redis 6.2 or newer for the cache, the copies of jobs that are read first, and live updates. All of it may be lost. Unset: without.",
      ),
  }),
} satisfies SettingsSection;
