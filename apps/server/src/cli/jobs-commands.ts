import { jobDetailSchema, jobSchema, jobStates, logLineSchema } from "@millrace/contracts";
import type { Job, JobDetail } from "@millrace/contracts";
import { Option } from "commander";
import type { Command } from "commander";
import type { CommandHost } from "./command-host.ts";
import { positiveInteger } from "./option-values.ts";
import type { ApiClient } from "./server/api-client.ts";
import { getServer } from "./server/find-server.ts";
import { listItems } from "./server/list-all.ts";
import { printableLine } from "./terminal/printable.ts";
import { shortMoment, writeTable } from "./terminal/table.ts";
import { writeJson } from "./write-json.ts";

type ListOptions = {
  readonly limit: number;
  readonly state?: string;
  readonly queue?: string;
  readonly task?: string;
  readonly json?: true;
};
type JsonOption = { readonly json?: true };

/** `millrace jobs ls|get|logs|cancel|retry`, through the running server. */
export function addJobsCommands(program: Command, host: CommandHost): void {
  const jobs = program.command("jobs").description("Jobs of the running server");
  const server = (): Promise<ApiClient> => getServer(host.environment().connection());
  jobs
    .command("ls")
    .description("List jobs, newest first")
    .option("--limit <number>", "how many at most", positiveInteger(100_000), 20)
    .addOption(new Option("--state <state>", "only these").choices(jobStates))
    .option("--queue <queue>", "only of this queue")
    .option("--task <task>", "only of this task")
    .option("--json", "print a JSON array")
    .action(async (options: ListOptions) => list(await server(), options));
  jobs
    .command("get <id>")
    .description("One job with attempts and steps")
    .option("--json", "print JSON")
    .action(async (id: string, options: JsonOption) => get(await server(), id, options));
  jobs
    .command("logs <id>")
    .description("What a job logged for people, oldest first")
    .option("--limit <number>", "the newest lines, at most", positiveInteger(100_000), 1000)
    .option("--json", "print a JSON array")
    .action(async (id: string, options: JsonOption & { readonly limit: number }) =>
      logs(await server(), id, options),
    );
  for (const [verb, description] of [
    ["cancel", "Cancel a job, whatever its state"],
    ["retry", "Try an ended job again, with the same input"],
  ] as const) {
    jobs
      .command(`${verb} <id>`)
      .description(description)
      .option("--json", "print JSON")
      .action(async (id: string, options: JsonOption) => {
        const job = await (await server()).call(`${jobPath(id)}/${verb}`, jobSchema, { method: "POST" });
        if (options.json) writeJson(job);
        else process.stderr.write(`Job ${job.id} is ${job.display_state}\n`);
      });
  }
}

function jobPath(id: string): string {
  return `/api/jobs/${encodeURIComponent(id)}`;
}

async function list(client: ApiClient, { json, limit, ...query }: ListOptions): Promise<void> {
  const jobs = await listItems(client, "/api/jobs", jobSchema, { limit, query });
  if (json) {
    writeJson(jobs);
    return;
  }
  writeTable<Job>(
    process.stdout,
    [
      { title: "ID", value: (job) => job.id },
      { title: "STATE", value: (job) => job.display_state },
      { title: "QUEUE", value: (job) => job.queue },
      { title: "TASK", value: (job) => job.task, isFlexible: true },
      { title: "DONE", value: (job) => `${Math.round(job.progress.percent)} %` },
      { title: "TRY", value: (job) => `${job.attempt}/${job.max_attempts}` },
      { title: "CREATED", value: (job) => shortMoment(job.created_at) },
    ],
    jobs,
  );
}

async function get(client: ApiClient, id: string, options: JsonOption): Promise<void> {
  const job = await client.call(jobPath(id), jobDetailSchema);
  if (options.json) writeJson(job);
  else process.stdout.write(`${describe(job).join("\n")}\n`);
}

function describe(job: JobDetail): string[] {
  const { progress } = job;
  const stage = [progress.stage, progress.message].filter((text) => text !== null).join(": ");
  return [
    `${job.id}  ${job.task} on ${job.queue}`,
    `State     ${job.display_state}${job.reason === null ? "" : ` (${job.reason})`}`,
    `Progress  ${Math.round(progress.percent)} %  ${printableLine(stage)}`.trimEnd(),
    `Created   ${job.created_at}`,
    ...(job.finished_at === null ? [] : [`Finished  ${job.finished_at}`]),
    ...(job.error === null ? [] : [`Error     ${printableLine(job.error.message)} (${job.error.code})`]),
    ...job.attempts.map(({ attempt, outcome, started_at, error }) =>
      printableLine(
        `Attempt ${attempt}  ${outcome ?? "running"} since ${started_at}${error === null ? "" : `: ${error.message} (${error.code})`}`,
      ),
    ),
    ...job.steps.map(({ key, state, starts }) =>
      printableLine(`Step ${key}  ${state}${starts > 1 ? `, started ${starts} times` : ""}`),
    ),
  ];
}

async function logs(
  client: ApiClient,
  id: string,
  options: JsonOption & { readonly limit: number },
): Promise<void> {
  const lines = await listItems(client, `${jobPath(id)}/logs`, logLineSchema, { limit: options.limit });
  lines.reverse();
  if (options.json) {
    writeJson(lines);
    return;
  }
  for (const { created_at: at, level, message } of lines) {
    process.stdout.write(`${at}\t${level}\t${printableLine(message)}\n`);
  }
}
