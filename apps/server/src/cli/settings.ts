import { parseSettings } from "@millrace/kernel";
import type { SettingsSection } from "@millrace/kernel";
import { z } from "zod";
import { serverSettingsSchema } from "../http/settings.ts";
import type { Settings } from "../settings.ts";

const commandLineSettingsSchema = z.object({
  MILLRACE_URL: z
    .url({ protocol: /^https?$/, error: "Use an address such as http://127.0.0.1:8000" })
    .optional()
    .describe("The server the command line speaks to. Unset: the one that runs on DATA_DIR, if any."),
});

/** What only the command line reads of the environment. */
export const commandLineSettings = {
  title: "Command line",
  schema: commandLineSettingsSchema,
} satisfies SettingsSection;

const connectionSchema = z.object({
  ...commandLineSettingsSchema.shape,
  DATA_DIR: z.string().default("./data"),
  MAX_UPLOAD_BYTES: serverSettingsSchema.shape.MAX_UPLOAD_BYTES,
  // Of any length here: whether it fits is for the server to say.
  MILLRACE_TOKEN: z
    .string()
    .regex(/^[\x21-\x7e]+$/, "Use printable ASCII characters without spaces")
    .optional(),
});

/** What is needed to find a server and to be let in. */
export type ConnectionSettings = Readonly<z.output<typeof connectionSchema>>;

/**
 * The environment of a command, `.env` included. Reading all settings loads every part of the
 * product that has some, which takes longer than most commands; so they only come when asked for.
 */
export type CommandEnvironment = {
  readonly connection: () => ConnectionSettings;
  /** `given` beats the environment. */
  readonly settings: (given?: Readonly<Record<string, string>>) => Promise<Readonly<Settings>>;
  readonly variable: (name: string) => string | undefined;
};

/** Reads `.env` of the working folder into the environment, once. */
export function readEnvironment(): CommandEnvironment {
  try {
    process.loadEnvFile(".env");
  } catch (error) {
    // No .env file is the usual case; anything else about it should be said.
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
  }
  return {
    connection: () => parseSettings(connectionSchema, process.env),
    settings: async (given = {}) => {
      const { readSettings } = await import("../settings.ts");
      return readSettings({ ...process.env, ...given });
    },
    variable: (name) => process.env[name],
  };
}
