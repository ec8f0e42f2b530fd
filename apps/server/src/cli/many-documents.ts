import { documentBulkResultSchema, documentStatuses, fileTypes, systemSchema } from "@millrace/contracts";
import type { DocumentChange } from "@millrace/contracts";
import { Argument, Option } from "commander";
import type { Command } from "commander";
import type { CommandHost } from "./command-host.ts";
import { isConfirmed } from "./confirm.ts";
import { invalidArguments } from "./errors.ts";
import { exitCodes } from "./exit-codes.ts";
import type { ExitCode } from "./exit-codes.ts";
import type { ApiClient } from "./server/api-client.ts";
import { printableLine } from "./terminal/printable.ts";
import { writeJson } from "./write-json.ts";

/** Which documents a command means, as its options say. */
export type DocumentMarks = {
  readonly status?: string;
  readonly type?: string;
  readonly search?: string;
  readonly tag?: string;
  readonly collection?: string;
};

type ChangeOptions = DocumentMarks & { readonly json?: true; readonly yes?: true };

/** The options of every command that lists, exports or changes by marks. */
export function addDocumentMarks(command: Command): Command {
  return command
    .addOption(new Option("--status <status>", "only these").choices(documentStatuses))
    .addOption(new Option("--type <type>", "only these").choices(fileTypes))
    .option("--search <text>", "part of the title")
    .option("--tag <tag>", "only with this tag")
    .option("--collection <name>", "only in this collection, by name or id");
}

/** False where what is deleted is gone for good. */
export async function hasTrash(client: ApiClient): Promise<boolean> {
  return (await client.call("/api/system", systemSchema)).trash_days !== 0;
}

/** The marks as the API calls them; what was not given is undefined. */
export function toDocumentQuery({ type, status, search, tag, collection }: DocumentMarks) {
  return { status, file_type: type, search, tag, collection };
}

const help = `
Which documents: those with the ids, or all that have the marks. More than a hundred are left to a job.`;

/** `millrace documents tag|untag|collect|uncollect|trash|restore|reprocess`. */
export function addManyDocumentsCommands(documents: Command, host: CommandHost): void {
  const add = (
    name: string,
    description: string,
    read: (given: string) => DocumentChange,
    argument?: Argument,
  ): Command => {
    const command = documents.command(name).description(description);
    if (argument !== undefined) command.addArgument(argument);
    return addDocumentMarks(command.addArgument(new Argument("[id...]", "ids of the documents")))
      .option("--json", "print the counts as JSON")
      .addHelpText("after", help)
      .action(async (...given: unknown[]) => {
        const [what, ids] = argument === undefined ? ["", given[0]] : [given[0], given[1]];
        const change = read(String(what));
        const options = command.opts<ChangeOptions>();
        host.finish(await changeMany(await host.server(), change, { ids: ids as string[], options }));
      });
  };
  const tagArgument = new Argument("<tags>", "tags, with commas between");
  const nameArgument = new Argument("<collection>", "its name or id");
  add("tag", "Give documents tags", (given) => ({ action: "tag", tags: tagList(given) }), tagArgument);
  add("untag", "Take tags away", (given) => ({ action: "untag", tags: tagList(given) }), tagArgument);
  add(
    "collect",
    "Put documents into a collection",
    (collection) => ({ action: "add_to_collection", collection }),
    nameArgument,
  );
  add(
    "uncollect",
    "Take documents out of a collection",
    (collection) => ({ action: "remove_from_collection", collection }),
    nameArgument,
  );
  add("trash", "Move documents to the trash", () => ({ action: "trash" })).option(
    "-y, --yes",
    "do not ask where there is no trash",
  );
  add("restore", "Take documents out of the trash", () => ({ action: "restore" }));
  add("reprocess", "Do everything again, from the bytes on", () => ({ action: "reprocess" }));
}

function tagList(given: string): string[] {
  return given
    .split(",")
    .map((tag) => tag.trim())
    .filter((tag) => tag !== "");
}

async function changeMany(
  client: ApiClient,
  change: DocumentChange,
  { ids, options }: { readonly ids: readonly string[]; readonly options: ChangeOptions },
): Promise<ExitCode> {
  const marks = toDocumentQuery(options);
  const filter = { ...marks, ...(ids.length === 0 ? {} : { ids }) };
  if (Object.values(filter).every((value) => value === undefined)) {
    throw invalidArguments("Say which documents: name ids, or marks such as --tag or --search.");
  }
  const { json } = options;
  if (change.action === "trash" && options.yes !== true && !(await hasTrash(client))) {
    const question = "There is no trash (TRASH_DAYS=0). Delete them with text, analysis and file, for good?";
    if (!(await isConfirmed(question))) {
      process.stderr.write("Nothing was deleted\n");
      return exitCodes.failed;
    }
  }
  const result = await client.call("/api/documents/bulk", documentBulkResultSchema, {
    method: "POST",
    body: JSON.stringify({ filter, change }),
  });
  if (json) writeJson(result);
  const { matched, changed, unchanged, failed, job } = result;
  if (job !== null) {
    process.stderr.write(`${matched} documents, by job ${job.id}\n`);
    return exitCodes.ok;
  }
  process.stderr.write(`${changed} changed, ${unchanged} were so already, ${failed} failed\n`);
  for (const { id, message } of result.errors) process.stderr.write(`${id}: ${printableLine(message)}\n`);
  if (failed === 0) return exitCodes.ok;
  return result.errors.every(({ code }) => code.endsWith("_not_found"))
    ? exitCodes.notFound
    : exitCodes.failed;
}
