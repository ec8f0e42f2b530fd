import { isIP } from "node:net";
import { integerSetting } from "@millrace/kernel";
import type { SettingsSection } from "@millrace/kernel";
import { z } from "zod";

/** Shorter tokens can be guessed; `assertSafeBinding` refuses them too. */
export const minTokenLength = 16;

const proxyNames: ReadonlySet<string> = new Set(["loopback", "linklocal", "uniquelocal"]);

function isProxyRange(text: string): boolean {
  if (proxyNames.has(text)) return true;
  const [address = "", bits, ...rest] = text.split("/");
  const maxBits = isIP(address) === 4 ? 32 : 128;
  const isWhole =
    bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) >= 1 && Number(bits) <= maxBits);
  return isIP(address) !== 0 && isWhole && rest.length === 0;
}

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
  TRUSTED_PROXIES: z
    .string()
    .transform((text) => text.split(",").map((part) => part.trim()))
    .refine(
      (parts) => parts.every(isProxyRange),
      "Write addresses or ranges, such as 10.0.0.0/8, or loopback",
    )
    .optional()
    .describe(
      "Whose `X-Forwarded-For` says who asks: addresses, ranges (`10.0.0.0/8`), `loopback` or `uniquelocal`, with commas between. Needed behind a proxy, so that wrong tokens of one person do not keep others from signing in.",
    ),
  MAX_UPLOAD_BYTES: integerSetting({ min: 1, max: 10 * 1024 ** 3, byDefault: 104_857_600 }).describe(
    "The largest file or text accepted, in bytes. Default 100 MiB.",
  ),
});

export type ServerSettings = z.output<typeof serverSettingsSchema>;

/** The part of the environment that the HTTP server reads. */
export const serverSettings: SettingsSection = { title: "Server", schema: serverSettingsSchema };
