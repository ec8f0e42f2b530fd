import { z } from "zod";
import { defineTool } from "./tool.ts";
import type { Tool } from "./tool.ts";

export type FetchedText = {
  /** Where the text came from in the end, after redirects. */
  readonly url: string;
  readonly status: number;
  readonly contentType: string | null;
  readonly text: string;
};

/**
 * Fetches a page of the public internet as text. It must refuse addresses of the own network, also after
 * redirects and changes of DNS, limit size and time, and throw with a reason that may be told to a model.
 */
export type FetchText = (url: string, options: { readonly signal: AbortSignal }) => Promise<FetchedText>;

/** The tool `fetch_url` over a fetch that is safe with addresses given by strangers. Needs `network:fetch`. */
export function fetchUrlTool(fetchText: FetchText): Tool {
  return defineTool({
    name: "fetch_url",
    description: "Fetches a web page and gives its text.",
    permissions: ["network:fetch"],
    input: z.object({ url: z.url({ protocol: /^https?$/ }).max(2000) }),
    run: async ({ url }, { signal }) => {
      const page = await fetchText(url, { signal });
      return `${page.url} (status ${page.status}, ${page.contentType ?? "unknown type"})\n\n${page.text}`;
    },
  });
}
