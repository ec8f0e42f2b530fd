import { acceptedDocumentSchema, analysisSchema, documentSchema } from "@millrace/contracts";
import { Argument } from "commander";
import type { Command } from "commander";
import type { CommandHost } from "./command-host.ts";
import { invalidArguments } from "./errors.ts";
import { exitCodes } from "./exit-codes.ts";
import type { ExitCode } from "./exit-codes.ts";
import { positiveSeconds } from "./option-values.ts";
import { listenForStop } from "./processing/stop-signals.ts";
import { writeResult } from "./processing/write-result.ts";
import { readPassword } from "./read-password.ts";
import type { ApiClient } from "./server/api-client.ts";
import { getServer } from "./server/find-server.ts";
import { printableLine } from "./terminal/printable.ts";
import { waitForJob } from "./wait-for-job.ts";
import { writeJson } from "./write-json.ts";

type UnlockOptions = {
  readonly passwordFile?: string;
  readonly wait?: true;
  readonly timeout?: number;
  readonly json?: true;
};

const help = `
For documents that failed with pdf_encrypted or pdf_password_wrong. Asks for the password at the terminal, without
showing it. It is kept until the text is read, and no longer. Prints the id of the job; with --wait the result.`;

/** `millrace documents unlock ID`: the password of a PDF that asks for one. */
export function addUnlockCommand(documents: Command, host: CommandHost): void {
  documents
    .command("unlock")
    .description("Open a PDF that asks for a password, and process it")
    .addArgument(new Argument("<id>", "id of the document"))
    .option("--password-file <file>", "read the password from a file, or - for standard input")
    .option("--wait", "wait for the end and print the result")
    .option("--timeout <seconds>", "with --wait: give up waiting after this time", positiveSeconds)
    .option("--json", "print JSON: the job, with --wait {document, analysis}")
    .addHelpText("after", help)
    .action(async (id: string, options: UnlockOptions) => {
      if (options.timeout !== undefined && !options.wait) {
        throw invalidArguments("--timeout goes with --wait: without it nothing is waited for.");
      }
      // Only a server has somebody who does the work.
      const client = options.wait ? await getServer(host.environment().connection()) : await host.server();
      host.finish(await unlock(client, id, options));
    });
}

async function unlock(client: ApiClient, id: string, options: UnlockOptions): Promise<ExitCode> {
  const path = `/api/documents/${encodeURIComponent(id)}`;
  const password = await readPassword(options.passwordFile);
  const stop = listenForStop();
  try {
    const { job } = await client.call(`${path}/password`, acceptedDocumentSchema, {
      method: "POST",
      body: JSON.stringify({ password }),
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
      process.stderr.write(`millrace: job ${job.id} ${ended.state}${why}\n`);
      return exitCodes.jobFailed;
    }
    const document = await client.call(path, documentSchema);
    const analysis = await client.call(`${path}/analysis`, analysisSchema);
    if (options.json) writeJson({ document, analysis });
    else writeResult(process.stdout, { document, analysis });
    return exitCodes.ok;
  } finally {
    stop.close();
  }
}
