import { createWriteStream } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import path from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { exportFormats, maxExportedIds } from "@millrace/contracts";
import type { ExportFormat } from "@millrace/contracts";
import { isMillraceError } from "@millrace/kernel";
import { Argument, Option } from "commander";
import type { Command } from "commander";
import type { CommandHost } from "./command-host.ts";
import { exportBrokenOff, fileNotWritable, invalidArguments } from "./errors.ts";
import { addDocumentMarks, toDocumentQuery } from "./many-documents.ts";
import type { DocumentMarks } from "./many-documents.ts";
import { listenForStop } from "./processing/stop-signals.ts";
import type { ApiClient } from "./server/api-client.ts";

type ExportOptions = DocumentMarks & {
  readonly format?: ExportFormat;
  readonly json?: true;
  readonly output?: string;
  readonly originals?: true;
};

/** What a file is most likely meant to be. */
const formatOfEnding: ReadonlyMap<string, ExportFormat> = new Map([
  [".json", "json"],
  [".jsonl", "jsonl"],
  [".ndjson", "jsonl"],
  [".md", "markdown"],
  [".csv", "csv"],
  [".zip", "zip"],
]);

const help = `
Without ID all documents are meant, or those that have the marks. The format is that of --format, else
that of the ending of --output, else json. A file is there when it is whole, and not before.`;

/** `millrace documents export [ID…]`: documents with analysis and text, to a file or standard output. */
export function addExportCommand(documents: Command, host: CommandHost): void {
  addDocumentMarks(documents.command("export"))
    .description("Documents with analysis and text, as JSON, Markdown, CSV or zip")
    .addArgument(new Argument("[id...]", "ids of the documents"))
    .addOption(new Option("--format <format>", "how it is written").choices(exportFormats))
    .option("--json", "the same as --format json")
    .option("-o, --output <file>", "write to this file; - is standard output")
    .option("--originals", "the stored files too, in a zip")
    .addHelpText("after", help)
    .action(async (ids: string[], options: ExportOptions) => {
      const file = options.output === "-" ? undefined : options.output;
      const format = chooseFormat(options, file);
      checkArguments(ids, { ...options, format, file });
      await exportTo(file, await host.server(), {
        format,
        ids: ids.length === 0 ? undefined : ids.join(","),
        ...toDocumentQuery(options),
        include: options.originals ? "original" : undefined,
      });
    });
}

function chooseFormat({ format, json }: ExportOptions, file: string | undefined): ExportFormat {
  if (json && format !== undefined && format !== "json") {
    throw invalidArguments(`--json and --format ${format} can't both be meant.`);
  }
  return format ?? (json ? "json" : formatOfEnding.get(path.extname(file ?? "").toLowerCase())) ?? "json";
}

/** Throws `invalid_arguments` for what makes no sense together. */
function checkArguments(
  ids: readonly string[],
  options: {
    readonly format: ExportFormat;
    readonly originals?: true;
    readonly file: string | undefined;
  },
): void {
  const { format, originals, file } = options;
  if (originals && format !== "zip") throw invalidArguments("--originals goes with --format zip.");
  if (format === "zip" && file === undefined && process.stdout.isTTY) {
    throw invalidArguments("A zip is not for a terminal. Name a file with --output, or pipe it on.");
  }
  if (ids.length > maxExportedIds) {
    throw invalidArguments(
      `At most ${maxExportedIds} ids at once; marks such as --tag and --search have no limit.`,
    );
  }
}

async function exportTo(
  file: string | undefined,
  client: ApiClient,
  query: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const stop = listenForStop();
  try {
    const { signal } = stop;
    const response = await client.open("/api/documents/export", { query, signal });
    if (response.body === null) throw exportBrokenOff();
    const bytes = Readable.fromWeb(response.body);
    try {
      if (file === undefined) await pipeline(bytes, process.stdout, { signal, end: false });
      else await writeWhole(file, bytes, signal);
    } catch (error) {
      signal.throwIfAborted();
      throw isMillraceError(error) || isClosedPipe(error) ? error : exportBrokenOff(error);
    }
  } catch (error) {
    // Whoever read our output has enough, as `head` does.
    if (!isClosedPipe(error)) throw error;
  } finally {
    stop.close();
  }
}

/** Beside its place and moved when it is whole: what breaks off leaves the former file as it was. */
async function writeWhole(file: string, bytes: Readable, signal: AbortSignal): Promise<void> {
  const unfinished = `${file}.unfinished-${process.pid}`;
  try {
    // Never through a link that somebody laid under this name.
    await (await open(unfinished, "wx")).close();
    await pipeline(bytes, createWriteStream(unfinished, { flush: true }), { signal });
    await rename(unfinished, file);
  } catch (error) {
    await rm(unfinished, { force: true });
    signal.throwIfAborted();
    throw isSystemError(error) ? fileNotWritable(file, error) : error;
  }
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && "syscall" in error;
}

function isClosedPipe(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EPIPE";
}
