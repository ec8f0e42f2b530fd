import { isMillraceError } from "@millrace/kernel";
import type { SettingsSection } from "@millrace/kernel";
import { z } from "zod";
import { parseAllowedHost } from "./check-url.ts";

/** What a list with commas names; each is one that `SafeFetch` takes. */
function parseHosts(text: string, context: z.RefinementCtx): readonly string[] {
  const hosts = text.split(",").map((host) => host.trim());
  for (const host of hosts) {
    try {
      parseAllowedHost(host);
    } catch (error) {
      if (!isMillraceError(error)) throw error;
      context.addIssue({ code: "custom", message: error.message });
    }
  }
  return hosts;
}

/** What an operator says of the URLs that people and models give. */
export const outboundSettings = {
  title: "Fetching URLs",
  schema: z.object({
    FETCH_ALLOWED_HOSTS: z
      .string()
      .transform(parseHosts)
      .optional()
      .describe(
        "Hosts of an own network that URLs given by people and models may lead to, with commas between: wiki.example, wiki.example:8080. Unset: only the public internet.",
      ),
  }),
} satisfies SettingsSection;
