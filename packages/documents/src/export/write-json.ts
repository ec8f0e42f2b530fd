import type { ExportedDocument } from "@millrace/contracts";
import type { Exported } from "./read-exported.ts";

/** One JSON array. */
export async function* writeJson(documents: AsyncIterable<Exported>): AsyncGenerator<string> {
  let separator = "[\n";
  for await (const exported of documents) {
    yield `${separator}${JSON.stringify(toExportedDocument(exported, await exported.readText()))}`;
    separator = ",\n";
  }
  yield separator === "[\n" ? "[]\n" : "\n]\n";
}

/** One JSON value per line. */
export async function* writeJsonLines(documents: AsyncIterable<Exported>): AsyncGenerator<string> {
  for await (const exported of documents) {
    yield `${JSON.stringify(toExportedDocument(exported, await exported.readText()))}\n`;
  }
}

/** A document with its text as the contracts have it. */
export function toExportedDocument({ document, analysis }: Exported, text: string | null): ExportedDocument {
  return { document, analysis, text };
}
