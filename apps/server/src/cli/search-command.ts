import { searchResultSchema } from "@millrace/contracts";
import type { SearchHit } from "@millrace/contracts";
import type { Command } from "commander";
import type { CommandHost } from "./command-host.ts";
import { positiveInteger } from "./option-values.ts";
import { addSearchEvalCommand } from "./search-eval-command.ts";
import { addSearchSpacesCommands } from "./search-spaces-commands.ts";
import { printableLine } from "./terminal/printable.ts";
import { columnsOfStream, createStyles } from "./terminal/style.ts";
import { wrap } from "./terminal/width.ts";
import { writeJson } from "./write-json.ts";

type SearchOptions = { readonly limit: number; readonly json?: true };

/** `millrace search QUERY`: passages of documents, best first, through the running server or without one. */
export function addSearchCommand(program: Command, host: CommandHost): void {
  const search = program
    .command("search <query...>")
    .description(
      'Find passages in documents: words, "a phrase", -without, title:, type:, tag:, collection:, after:, before:',
    )
    .option("--limit <number>", "how many at most", positiveInteger(50), 10)
    .option("--json", "print JSON")
    .action(async (words: string[], { limit, json }: SearchOptions) => {
      const client = await host.server();
      const query = { q: words.join(" "), limit };
      const result = await client.call("/api/search", searchResultSchema, { query });
      if (json) {
        writeJson(result);
        return;
      }
      for (const hit of result.data)
        process.stdout.write(process.stdout.isTTY ? forPeople(hit) : forPrograms(hit));
      if (result.data.length === 0) process.stderr.write("Nothing found\n");
      else if (result.no_good_match) process.stderr.write("No good match; these are the nearest\n");
      if (result.still_indexing > 0) {
        process.stderr.write(`${result.still_indexing} documents are not searchable yet\n`);
      }
    });
  addSearchEvalCommand(search, host);
  addSearchSpacesCommands(search, host);
}

function forPeople(hit: SearchHit): string {
  const styles = createStyles(process.stdout);
  const section = hit.section === null ? "" : `, ${printableLine(hit.section)}`;
  const page = `${section}${hit.page === null ? "" : `, page ${hit.page}`}`;
  const passage = printableLine(hit.passage.map(({ text }) => text).join(""));
  const matches = hit.passage.filter(({ match }) => match).map(({ text }) => printableLine(text));
  // Marked after wrapping: escape sequences would count as columns.
  const marked = wrap(passage, Math.min(100, columnsOfStream(process.stdout)) - 2).map((line) =>
    mark(line, new Set(matches), styles.accent),
  );
  const title = `${styles.bold(printableLine(hit.document_title))}${page}  ${styles.dim(hit.document_id)}`;
  return `${title}\n${marked.map((line) => `  ${line}`).join("\n")}\n\n`;
}

function mark(line: string, matches: ReadonlySet<string>, accent: (text: string) => string): string {
  return line.replace(/[\p{L}\p{N}]+/gu, (word) => (matches.has(word) ? accent(word) : word));
}

function forPrograms(hit: SearchHit): string {
  const passage = printableLine(hit.passage.map(({ text }) => text).join(""));
  const cells = [hit.document_id, printableLine(hit.document_title), hit.page ?? "", hit.score, passage];
  return `${cells.join("\t")}\n`;
}
