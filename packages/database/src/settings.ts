import { integerSetting } from "@millrace/kernel";
import type { SettingsSection } from "@millrace/kernel";
import { z } from "zod";

const postgresUrl = z.url({
  protocol: /^postgres(ql)?$/,
  error: "must look like postgres://user:password@host:5432/name",
});

export const databaseSettings = {
  title: "Database",
  schema: z.object({
    DATA_DIR: z
      .string()
      .default("./data")
      .describe("Folder of the embedded database and the uploaded files. One process at a time."),
    DATABASE_URL: postgresUrl
      .optional()
      .describe(
        "PostgreSQL 16 or newer with pgvector; pgBouncer in transaction mode is fine. Unset: embedded PostgreSQL in DATA_DIR.",
      ),
    DATABASE_DIRECT_URL: postgresUrl
      .optional()
      .describe(
        "The same database without a pooler between, for migrations, heartbeats and hints. Unset: DATABASE_URL.",
      ),
    DATABASE_POOL_SIZE: integerSetting({ min: 2, max: 500, byDefault: 10 }).describe(
      "Connections of one process to PostgreSQL. Half of them at most read for live updates.",
    ),
  }),
} satisfies SettingsSection;
