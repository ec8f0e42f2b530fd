import { integerSetting } from "@millrace/kernel";
import type { SettingsSection } from "@millrace/kernel";
import { z } from "zod";

/** Shorter tokens can be guessed; `assertSafeBinding` refuses them too. */
export const minTokenLength = 16;

export const serverSettingsSchema = z.object({
  HOST: z
    .string()
    .max(255)
    .default("127.0.0.1")
    .describe("The address to listen on. Any other than a loopback address needs MILLRACE_TOKEN."),
  PORT: integerSetting({ min: 0, max: 65_535, byDefault: 8000 }).describe(
    "The port to listen on; 0 takes any free one.",
  ),
  MILLRACE_TOKEN: z
    .string()
    .min(minTokenLength)
    .max(512)
    .regex(/^[\x21-\x7e]+$/, "Use printable ASCII characters without spaces")
    .optional()
    .describe(
      "The operator key: clients send it as `Authorization: Bearer`, a browser asks for it once. At least 16 characters. Unset: no login, on loopback only.",
    ),
  PUBLIC_URL: z
    .url({ protocol: /^https?$/, error: "Use an address such as https://millrace.example.org" })
    .optional()
    .describe(
      "How browsers reach this server when a proxy stands before it. With https, cookies are secure.",
    ),
  MAX_UPLOAD_BYTES: integerSetting({ min: 1, max: 10 * 1024 ** 3, byDefault: 104_857_600 }).describe(
    "The largest file or text accepted, in bytes. Default 100 MiB.",
  ),
});

export type ServerSettings = z.output<typeof serverSettingsSchema>;

/** The part of the environment that the HTTP server reads. */
export const serverSettings: SettingsSection = { title: "Server", schema: serverSettingsSchema };
