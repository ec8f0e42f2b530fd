import { readFile } from "node:fs/promises";
import { text as readAll } from "node:stream/consumers";
import {
  acceptedSummarySchema,
  isSummaryOver,
  summaryDetailSchema,
  summarySchema,
  summaryStateSchema,
} from "@millrace/contracts";
import type { Summary } from "@millrace/contracts";
import { Option } from "commander";
import type { Command } from "commander";
import { z } from "zod";
import type { CommandHost } from "./command-host.ts";
import { invalidArguments } from "./errors.ts";
import { exitCodeOf, exitCodes, worstExitCode } from "./exit-codes.ts";
import type { ExitCode } from "./exit-codes.ts";
import { positiveInteger } from "./option-values.ts";
import { reportFailure } from "./report-failure.ts";
import type { ApiClient } from "./server/api-client.ts";
import { askPatiently } from "./server/ask-patiently.ts";
import { getServer } from "./server/find-server.ts";
import { listItems } from "./server/list-all.ts";
import { printableLine, printableText } from "./terminal/printable.ts";
import { shortMoment, writeTable } from "./terminal/table.ts";
import { writeJson } from "./write-json.ts";

type JsonOption = { readonly json?: true };
type ListOptions = JsonOption & {
  readonly limit: number;
  readonly state?: string;
  readonly search?: string;
};
type MakeOptions = JsonOption & {
  readonly title?: string;
  readonly language?: string;
  readonly fresh?: true;
};

/** `millrace summaries ls|get|make|rm`, through the running server or without one. */
export function addSummariesCommands(program: Command, host: CommandHost): void {
  const summaries = program.command("summaries").description("Texts that are only summarised");
  summaries
    .command("ls")
    .description("List summaries, newest first")
    .option("--limit <number>", "how many at most", positiveInteger(100_000), 20)
    .addOption(new Option("--state <state>", "only these").choices(summaryStateSchema.options))
    .option("--search <words>", "only those with these words in title, summary or text")
    .option("--json", "print a JSON array")
    .action(async (options: ListOptions) => list(await host.server(), options));
  summaries
    .command("get <id>")
    .description("One summary; with --json the text it is made of, too")
    .option("--json", "print JSON")
    .action(async (id: string, { json }: JsonOption) => {
      const summary = await (await host.server()).call(pathOf(id), summaryDetailSchema);
      if (json) writeJson(summary);
      else show(summary);
    });
  summaries
    .command("make <file>")
    .description("Summarise the text of a file, or of standard input (-), and wait for it")
    .option("--title <title>", "what it is called; default: how the text begins")
    .option("--language <code>", "the language to write in, such as nl")
    .option("--fresh", "make a new one, though one of the same or a similar text is there")
    .option("--json", "print JSON")
    .action(async (file: string, options: MakeOptions) => {
      // A folder that nobody serves has nobody to do the work either.
      host.finish(await make(await getServer(host.environment().connection()), file, options));
    });
  summaries
    .command("rm <id...>")
    .description("Delete summaries with their texts; work on them is cancelled")
    .option("--json", "print a JSON array of the ids that are deleted")
    .action(async (ids: string[], options: JsonOption) => {
      host.finish(await remove(await host.server(), ids, options));
    });
}

function pathOf(id: string): string {
  return `/api/summaries/${encodeURIComponent(id)}`;
}

async function list(client: ApiClient, { json, limit, ...query }: ListOptions): Promise<void> {
  const summaries = await listItems(client, "/api/summaries", summarySchema, { limit, query });
  if (json) {
    writeJson(summaries);
    return;
  }
  writeTable<Summary>(
    process.stdout,
    [
      { title: "ID", value: ({ id }) => id },
      { title: "STATE", value: ({ state }) => state },
      { title: "CREATED", value: (summary) => shortMoment(summary.created_at) },
      { title: "MODEL", value: ({ model }) => model ?? "" },
      { title: "TITLE", value: ({ title }) => title, isFlexible: true },
    ],
    summaries,
  );
}

/** The summary is data; what is to be known of it is said beside it. */
function show(summary: Summary): ExitCode {
  const { result, state, reused_from: reused, error, put_off: putOff } = summary;
  if (reused !== null) {
    const percent = Math.floor(reused.score * 1000) / 10;
    const whose =
      reused.score === 1
        ? "the same text"
        : `a text that agrees by ${percent} %: millrace summaries get ${reused.summary_id} --json`;
    process.stderr.write(`Taken from ${whose}; --fresh makes a new one\n`);
  }
  if (putOff !== null)
    process.stderr.write(`Waits until ${putOff.until}: ${printableLine(putOff.message)}\n`);
  if (result !== null) process.stdout.write(`${printableText(result)}\n`);
  else process.stderr.write(`millrace: ${state}${error === null ? "" : `: ${printableLine(error)}`}\n`);
  return state === "failed" || state === "cancelled" ? exitCodes.jobFailed : exitCodes.ok;
}

async function make(client: ApiClient, file: string, { json, ...options }: MakeOptions): Promise<ExitCode> {
  const text = file === "-" ? await readAll(process.stdin) : await readGiven(file);
  const { summary } = await client.call("/api/summaries", acceptedSummarySchema, {
    method: "POST",
    body: JSON.stringify({ ...options, text }),
  });
  process.stderr.write(`Summary ${summary.id}\n`);
  // However long its model is away: who does not want to wait goes, and the work goes on.
  const waiting = { headers: { prefer: "wait=30" } };
  for (;;) {
    await askPatiently(() => client.call(`/api/jobs/${summary.job_id}/result`, z.unknown(), waiting));
    const current = await askPatiently(() => client.call(pathOf(summary.id), summaryDetailSchema));
    if (!isSummaryOver(current.state)) continue;
    if (!json) return show(current);
    writeJson(current);
    return current.state === "completed" ? exitCodes.ok : exitCodes.jobFailed;
  }
}

async function readGiven(file: string): Promise<string> {
  return await readFile(file, "utf8").catch((error: unknown) => {
    throw invalidArguments(`${file} can't be read: ${error instanceof Error ? error.message : "it failed"}`);
  });
}

async function remove(client: ApiClient, ids: readonly string[], { json }: JsonOption): Promise<ExitCode> {
  const codes: ExitCode[] = [];
  const deleted: string[] = [];
  for (const id of ids) {
    try {
      await client.call(pathOf(id), z.null(), { method: "DELETE" });
      deleted.push(id);
      process.stderr.write(`Deleted ${id}\n`);
    } catch (error) {
      reportFailure(error, id);
      codes.push(exitCodeOf(error));
    }
  }
  if (json) writeJson(deleted);
  return worstExitCode(codes);
}
