import { z } from "zod";
import { defineTool } from "./tool.ts";
import type { Tool, ToolCallContext } from "./tool.ts";

export type FoundPassage = {
  readonly documentId: string;
  readonly title: string;
  readonly text: string;
  readonly page: number | null;
};

/** A part of a document's text. */
export type ReadPassage = {
  readonly title: string;
  readonly text: string;
  /** Where the next part begins; null at the end. */
  readonly nextOffset: number | null;
};

/** The owner's documents. The owner is that of the job: the context's, and never taken from what a model says. */
export type DocumentLibrary = {
  readonly search: (
    query: string,
    limit: number,
    context: ToolCallContext,
  ) => Promise<readonly FoundPassage[]>;
  /** At most 15,000 characters at a time. Undefined when the owner has no such document. */
  readonly read: (id: string, offset: number, context: ToolCallContext) => Promise<ReadPassage | undefined>;
};

/** Tools over the documents of the job's owner: `search_documents` and `read_document`. Both need `documents:read`. */
export function documentTools(library: DocumentLibrary): { readonly search: Tool; readonly read: Tool } {
  const search = defineTool({
    name: "search_documents",
    description:
      "Searches the documents and gives the passages that fit best, with the id and title of each document. Search with the words that the passages would use.",
    permissions: ["documents:read"],
    input: z.object({
      query: z.string().min(1).max(500),
      limit: z.int().min(1).max(20).default(5).describe("How many passages"),
    }),
    run: async ({ query, limit }, context) => {
      const passages = await library.search(query, limit, context);
      if (passages.length === 0) return "No passage fits.";
      return passages
        .map((passage, index) => {
          const page = passage.page === null ? "" : `, page ${passage.page}`;
          return `[${index + 1}] ${passage.title}${page} (document ${passage.documentId})\n${passage.text}`;
        })
        .join("\n\n");
    },
  });
  const read = defineTool({
    name: "read_document",
    description:
      "Reads the text of one document, from its beginning or from where the part before ended. Takes the id that search_documents gave.",
    permissions: ["documents:read"],
    input: z.object({
      document: z.string().min(1).max(100).describe("The id of the document"),
      offset: z.int().min(0).default(0).describe("Where to begin; 0 is the beginning"),
    }),
    run: async ({ document, offset }, context) => {
      const part = await library.read(document, offset, context);
      if (part === undefined)
        return `There is no document ${document}. Use the ids that search_documents gives.`;
      const end =
        part.nextOffset === null ? "[end]" : `[more follows: read on with offset ${part.nextOffset}]`;
      return `${part.title}\n\n${part.text}\n\n${end}`;
    },
  });
  return { search, read };
}
