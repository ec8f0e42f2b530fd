import { analysisSchema, documentSchema } from "@millrace/contracts";
import type { Document } from "@millrace/contracts";
import { Argument } from "commander";
import type { Command } from "commander";
import { z } from "zod";
import type { CommandHost } from "./command-host.ts";
import { isConfirmed } from "./confirm.ts";
import { addExportCommand } from "./export-command.ts";
import { exitCodeOf, exitCodes, worstExitCode } from "./exit-codes.ts";
import type { ExitCode } from "./exit-codes.ts";
import { addDocumentMarks, addManyDocumentsCommands, hasTrash, toDocumentQuery } from "./many-documents.ts";
import type { DocumentMarks } from "./many-documents.ts";
import { positiveInteger } from "./option-values.ts";
import { addRerunCommand } from "./rerun-command.ts";
import { addSimilarCommand } from "./similar-command.ts";
import { addUnlockCommand } from "./unlock-command.ts";
import { writeResult } from "./processing/write-result.ts";
import { reportFailure } from "./report-failure.ts";
import type { ApiClient } from "./server/api-client.ts";
import { listItems } from "./server/list-all.ts";
import { shortMoment, shortSize, writeTable } from "./terminal/table.ts";
import { writeJson } from "./write-json.ts";

type ListOptions = DocumentMarks & {
  readonly limit: number;
  readonly trash?: true;
  readonly json?: true;
};

type RemoveOptions = { readonly forever?: true; readonly yes?: true; readonly json?: true };

/** `millrace documents ls|get|rm|export|similar|rerun|unlock`, through the running server or without one. */
export function addDocumentsCommands(program: Command, host: CommandHost): void {
  const documents = program.command("documents").description("Documents");
  addDocumentMarks(documents.command("ls"))
    .description("List documents, newest first")
    .option("--limit <number>", "how many at most", positiveInteger(100_000), 20)
    .option("--trash", "what is in the trash")
    .option("--json", "print a JSON array")
    .action(async (options: ListOptions) => {
      await list(await host.server(), options);
    });
  documents
    .command("get")
    .description("One document with its analysis")
    .addArgument(new Argument("<id>", "id of the document"))
    .option("--json", "print JSON: {document, analysis}")
    .action(async (id: string, options: { readonly json?: true }) => {
      await get(await host.server(), id, options);
    });
  documents
    .command("rm")
    .description("Move documents to the trash, or delete them for good; work on them is cancelled")
    .addArgument(new Argument("<id...>", "ids of the documents"))
    .option("--forever", "with text, analysis and file, also out of the trash")
    .option("-y, --yes", "do not ask")
    .option("--json", "print a JSON array of the ids that are deleted")
    .action(async (ids: string[], options: RemoveOptions) => {
      host.finish(await remove(await host.server(), ids, options));
    });
  addManyDocumentsCommands(documents, host);
  addExportCommand(documents, host);
  addSimilarCommand(documents, host);
  addRerunCommand(documents, host);
  addUnlockCommand(documents, host);
}

async function list(client: ApiClient, { json, trash, limit, ...marks }: ListOptions): Promise<void> {
  const query = { ...toDocumentQuery(marks), trashed: trash ? "true" : undefined };
  const documents = await listItems(client, "/api/documents", documentSchema, { limit, query });
  if (json) {
    writeJson(documents);
    return;
  }
  writeTable<Document>(
    process.stdout,
    [
      { title: "ID", value: (document) => document.id },
      { title: "STATUS", value: (document) => document.status },
      { title: "TYPE", value: (document) => document.file_type ?? "" },
      { title: "SIZE", value: (document) => shortSize(document.file_size) },
      { title: "CREATED", value: (document) => shortMoment(document.created_at) },
      { title: "TITLE", value: (document) => document.title, isFlexible: true },
    ],
    documents,
  );
}

async function get(client: ApiClient, id: string, options: { readonly json?: true }): Promise<void> {
  const path = `/api/documents/${encodeURIComponent(id)}`;
  const document = await client.call(path, documentSchema);
  const analysis = await client.call(`${path}/analysis`, analysisSchema);
  if (options.json) writeJson({ document, analysis });
  else writeResult(process.stdout, { document, analysis });
}

async function remove(client: ApiClient, ids: readonly string[], options: RemoveOptions): Promise<ExitCode> {
  const what = ids.length === 1 ? "1 document" : `${ids.length} documents`;
  if (
    options.yes !== true &&
    !(await isConfirmed(
      options.forever === true || !(await hasTrash(client))
        ? `Delete ${what} with text, analysis and file, for good?`
        : `Move ${what} to the trash?`,
    ))
  ) {
    process.stderr.write("Nothing was deleted\n");
    return exitCodes.failed;
  }
  const codes: ExitCode[] = [];
  const deleted: string[] = [];
  for (const id of ids) {
    try {
      await client.call(`/api/documents/${encodeURIComponent(id)}`, z.null(), {
        method: "DELETE",
        query: { forever: options.forever ? "true" : undefined },
      });
      deleted.push(id);
      process.stderr.write(`Deleted ${id}\n`);
    } catch (error) {
      reportFailure(error, id);
      codes.push(exitCodeOf(error));
    }
  }
  if (options.json) writeJson(deleted);
  return worstExitCode(codes);
}
