import { crewRunDetailSchema, crewRunSchema, crewSchema, isTerminal, pageSchema } from "@millrace/contracts";
import type { CrewRunDetail, CrewRunShape, CrewShape } from "@millrace/contracts";
import type { Command } from "commander";
import { InvalidArgumentError } from "commander";
import type { CommandHost } from "./command-host.ts";
import { interrupted, invalidArguments, waitTimedOut } from "./errors.ts";
import { exitCodes } from "./exit-codes.ts";
import type { ExitCode } from "./exit-codes.ts";
import { crewEventLine } from "./crew-event-line.ts";
import { positiveSeconds } from "./option-values.ts";
import { listenForStop } from "./processing/stop-signals.ts";
import type { ApiClient } from "./server/api-client.ts";
import { getServer } from "./server/find-server.ts";
import { followEvents } from "./server/follow-events.ts";
import { shortCount, shortDollars } from "./terminal/amounts.ts";
import { printableLine, printableText } from "./terminal/printable.ts";
import { writeTable } from "./terminal/table.ts";
import { writeJson } from "./write-json.ts";

type JsonOption = { readonly json?: true };
type RunOptions = JsonOption & {
  readonly input?: Readonly<Record<string, string>>;
  readonly watch?: true;
  readonly timeout?: number;
  readonly key?: string;
};

const runHelp = `
Prints the run's id; with --watch what the crew does, and at the end what it came to. A run that waits for
a person says how to answer it.

Exit codes: 0 begun, or with --watch succeeded; 1 refused, as for inputs that are missing; 2 usage; 3 no such
crew; 4 not let in; 5 --timeout is over, and the run goes on; 6 the run failed, was cancelled or expired; 130 interrupted.`;

/** `millrace crew ls|run`, through the running server. */
export function addCrewCommands(program: Command, host: CommandHost): void {
  const crew = program.command("crew").description("Crews of agents in the folder of the running server");
  const server = (): Promise<ApiClient> => getServer(host.environment().connection());
  crew
    .command("ls")
    .description("List crews by name")
    .option("--json", "print a JSON array")
    .action(async (options: JsonOption) => list(await server(), options));
  crew
    .command("run <name>")
    .description("Run a crew")
    .option("--input <name=value...>", "what the crew is given", addInput)
    .option("--watch", "show what it does and wait for its end")
    .option("--timeout <seconds>", "with --watch: give up waiting after this time", positiveSeconds)
    .option("--key <key>", "idempotency key: the same again gives the same run")
    .option("--json", "print the whole run")
    .addHelpText("after", runHelp)
    .action(async (name: string, options: RunOptions) => {
      host.finish(await run(await server(), name, options));
    });
}

function addInput(
  given: string,
  before: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const at = given.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("It must be a name and a value: topic=tides");
  return { ...before, [given.slice(0, at)]: given.slice(at + 1) };
}

async function list(client: ApiClient, { json }: JsonOption): Promise<void> {
  const { data: crews } = await client.call("/api/crews", pageSchema(crewSchema));
  if (json) {
    writeJson(crews);
    return;
  }
  writeTable<CrewShape>(
    process.stdout,
    [
      { title: "CREW", value: ({ name }) => name },
      { title: "TITLE", value: ({ title }) => title, isFlexible: true },
      { title: "AGENTS", value: ({ agents }) => String(agents.length) },
      { title: "TASKS", value: ({ tasks }) => String(tasks.length) },
      { title: "INPUTS", value: inputsOf },
    ],
    crews,
  );
  for (const { error, warnings } of crews) {
    if (error !== null) process.stderr.write(`millrace: ${printableText(error.message)}\n`);
    for (const { place, message } of warnings)
      process.stderr.write(`millrace: ${printableLine(`${place}: ${message}`)}\n`);
  }
}

function inputsOf({ inputs, error }: CrewShape): string {
  if (error !== null) return "can't be used";
  return inputs.map(({ name, required }) => (required ? name : `[${name}]`)).join(" ") || "-";
}

async function run(client: ApiClient, name: string, options: RunOptions): Promise<ExitCode> {
  const { input = {}, watch, key, json, timeout } = options;
  if (timeout !== undefined && !watch) {
    throw invalidArguments("--timeout goes with --watch: without it nothing is waited for.");
  }
  const stop = listenForStop();
  try {
    const begun = await client.call(`/api/crews/${encodeURIComponent(name)}/runs`, crewRunSchema, {
      method: "POST",
      body: JSON.stringify({ inputs: input }),
      headers: key === undefined ? {} : { "idempotency-key": JSON.stringify(key) },
      signal: stop.signal,
    });
    if (!watch) {
      if (json) writeJson(begun);
      else process.stdout.write(`${begun.id}\n`);
      return exitCodes.ok;
    }
    return report(await watchRun(client, begun, { seconds: timeout, stopped: stop.signal }), options);
  } finally {
    stop.close();
  }
}

/** Tells on standard error what the crew does, until its end. */
async function watchRun(
  client: ApiClient,
  { id, links }: CrewRunShape,
  { seconds, stopped }: { readonly seconds: number | undefined; readonly stopped: AbortSignal },
): Promise<CrewRunDetail> {
  process.stderr.write(`Run ${id}\n`);
  const path = links.self;
  const time = seconds === undefined ? undefined : AbortSignal.timeout(seconds * 1000);
  const signal = time === undefined ? stopped : AbortSignal.any([stopped, time]);
  try {
    for await (const { type, data } of followEvents(client, `${path}/events`, signal)) {
      const line = crewEventLine(type, data);
      if (line !== undefined) process.stderr.write(`${line}\n`);
      if (/^(crew_run\.(completed|failed|cancelled)|snapshot)$/.test(type)) {
        const run = await client.call(path, crewRunDetailSchema, { signal });
        if (isTerminal(run.state)) return run;
      }
    }
    return await client.call(path, crewRunDetailSchema, { signal });
  } catch (error) {
    const whatNext = `The run goes on: ${client.url}${path}`;
    if (stopped.aborted) {
      process.stderr.write(`${whatNext}\n`);
      throw interrupted();
    }
    if (time?.aborted) throw waitTimedOut(seconds ?? 0, whatNext);
    throw error;
  }
}

function report(run: CrewRunDetail, { json }: RunOptions): ExitCode {
  const { usage, files, result, error } = run;
  const cost = usage.cost === null ? "cost unknown" : shortDollars(usage.cost);
  const tokens = usage.total_tokens === null ? "tokens unknown" : `${shortCount(usage.total_tokens)} tokens`;
  process.stderr.write(
    `Calls of a model: ${usage.model_calls}, of tools: ${usage.tool_calls}; ${tokens}, ${cost}\n`,
  );
  for (const file of files) process.stderr.write(`File ${printableLine(file.path)}: ${file.link}\n`);
  if (json) writeJson(run);
  else if (result !== null) process.stdout.write(`${printableText(result.raw)}\n`);
  if (run.state === "succeeded") return exitCodes.ok;
  const why = error === null ? "" : `: ${printableLine(error.message)} (${error.code})`;
  process.stderr.write(`millrace: run ${run.id} ${run.state}${why}\n`);
  return exitCodes.jobFailed;
}
