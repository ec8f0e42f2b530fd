import { similarDocumentsSchema } from "@millrace/contracts";
import type { SimilarDocuments } from "@millrace/contracts";
import { Argument } from "commander";
import type { Command } from "commander";
import type { CommandHost } from "./command-host.ts";
import { positiveInteger } from "./option-values.ts";
import type { ApiClient } from "./server/api-client.ts";
import { printableLine } from "./terminal/printable.ts";
import { writeTable } from "./terminal/table.ts";
import { writeJson } from "./write-json.ts";

type SimilarOptions = { readonly limit: number; readonly minScore?: string; readonly json?: true };

const whyNone = {
  not_embedded: "This document has no vectors yet; they come when it is processed.",
  index_broken: "The index of search is broken and is being made anew; try again in some minutes.",
} as const satisfies Record<NonNullable<SimilarDocuments["reason"]>, string>;

/** `millrace documents similar ID`: what is like a document. */
export function addSimilarCommand(documents: Command, host: CommandHost): void {
  documents
    .command("similar")
    .description("Documents that are like one, most alike first")
    .addArgument(new Argument("<id>", "id of the document"))
    .option("--limit <number>", "how many at most", positiveInteger(50), 10)
    .option("--min-score <number>", "leave out what is less alike, -1 to 1")
    .option("--json", "print JSON: {data, model, reason}")
    .action(async (id: string, options: SimilarOptions) => {
      await listSimilar(await host.server(), id, options);
    });
}

async function listSimilar(client: ApiClient, id: string, options: SimilarOptions): Promise<void> {
  const path = `/api/documents/${encodeURIComponent(id)}/similar`;
  const query = { limit: options.limit, min_score: options.minScore };
  const similar = await client.call(path, similarDocumentsSchema, { query });
  if (options.json) {
    writeJson(similar);
    return;
  }
  if (similar.reason !== null) process.stderr.write(`${whyNone[similar.reason]}\n`);
  writeTable<SimilarDocuments["data"][number]>(
    process.stdout,
    [
      { title: "SCORE", value: ({ score }) => score.toFixed(3) },
      { title: "ID", value: ({ document_id: other }) => other },
      { title: "TITLE", value: ({ title }) => printableLine(title), isFlexible: true },
    ],
    similar.data,
  );
}
