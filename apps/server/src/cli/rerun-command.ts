import { acceptedDocumentSchema, analysisSchema, partNames } from "@millrace/contracts";
import type { PartName } from "@millrace/contracts";
import { Argument, Option } from "commander";
import type { Command } from "commander";
import type { CommandHost } from "./command-host.ts";
import { invalidArguments } from "./errors.ts";
import { exitCodes } from "./exit-codes.ts";
import type { ExitCode } from "./exit-codes.ts";
import { positiveSeconds } from "./option-values.ts";
import { listenForStop } from "./processing/stop-signals.ts";
import type { ApiClient } from "./server/api-client.ts";
import { getServer } from "./server/find-server.ts";
import { printableLine } from "./terminal/printable.ts";
import { waitForJob } from "./wait-for-job.ts";
import { writeJson } from "./write-json.ts";

type RerunOptions = {
  readonly part: PartName;
  readonly model?: string;
  readonly wait?: true;
  readonly timeout?: number;
  readonly json?: true;
};

const help = `
What is there stays until the new result is, also when that fails. Prints the id of the job; with --wait the new
result. Models are those of the server: openai-compatible:NAME, gemini:NAME, builtin …`;

/** `millrace documents rerun ID --part summary`: one part again, by another model if one likes. */
export function addRerunCommand(documents: Command, host: CommandHost): void {
  documents
    .command("rerun")
    .description("Make one part again, by another model if you like")
    .addArgument(new Argument("<id>", "id of the document"))
    .addOption(new Option("--part <part>", "which").choices(partNames).makeOptionMandatory())
    .option("--model <model>", "by this one; default: the one that is set up for the part")
    .option("--wait", "wait for the end and print the new result")
    .option("--timeout <seconds>", "with --wait: give up waiting after this time", positiveSeconds)
    .option("--json", "print JSON: the job, with --wait the part")
    .addHelpText("after", help)
    .action(async (id: string, options: RerunOptions) => {
      if (options.timeout !== undefined && !options.wait) {
        throw invalidArguments("--timeout goes with --wait: without it nothing is waited for.");
      }
      // Only a server has somebody who does the work.
      const client = options.wait ? await getServer(host.environment().connection()) : await host.server();
      host.finish(await rerun(client, id, options));
    });
}

async function rerun(client: ApiClient, id: string, options: RerunOptions): Promise<ExitCode> {
  const path = `/api/documents/${encodeURIComponent(id)}`;
  const { part, model } = options;
  const stop = listenForStop();
  try {
    const { job } = await client.call(`${path}/parts/${part}/rerun`, acceptedDocumentSchema, {
      method: "POST",
      body: JSON.stringify({ model }),
      signal: stop.signal,
    });
    if (!options.wait) {
      if (options.json) writeJson(job);
      else process.stdout.write(`${job.id}\n`);
      return exitCodes.ok;
    }
    const ended = await waitForJob(client, job, { seconds: options.timeout, stopped: stop.signal });
    if (ended.state !== "succeeded") {
      const why = ended.error === null ? "" : `: ${printableLine(ended.error.message)} (${ended.error.code})`;
      process.stderr.write(`millrace: job ${job.id} ${ended.state}${why}. The old result is kept.\n`);
      return exitCodes.jobFailed;
    }
    const { [part]: made } = await client.call(`${path}/analysis`, analysisSchema);
    if (options.json) writeJson(made);
    else writeJson(made.result);
    process.stderr.write(`by ${[made.model, ...made.prompts].join(", ")}\n`);
    return exitCodes.ok;
  } finally {
    stop.close();
  }
}
