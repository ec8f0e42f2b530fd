import {
  jobSchema,
  misfirePolicies,
  scheduleDetailSchema,
  scheduleSchema,
  scheduleSources,
  scheduleStates,
} from "@millrace/contracts";
import type { CreateSchedule, Schedule, ScheduleDetail, ScheduleRun } from "@millrace/contracts";
import { InvalidArgumentError, Option } from "commander";
import type { Command } from "commander";
import { z } from "zod";
import type { CommandHost } from "./command-host.ts";
import { moment, positiveInteger, priorityNumber } from "./option-values.ts";
import type { ApiClient } from "./server/api-client.ts";
import { listItems } from "./server/list-all.ts";
import { readInput } from "./tasks-commands.ts";
import { parseSeconds } from "./terminal/duration.ts";
import { printableLine } from "./terminal/printable.ts";
import { shortMoment, writeTable } from "./terminal/table.ts";
import { writeJson } from "./write-json.ts";

type JsonOption = { readonly json?: true };
type ListOptions = JsonOption & {
  readonly limit: number;
  readonly task?: string;
  readonly state?: string;
  readonly source?: string;
};
type AddOptions = JsonOption & {
  readonly input?: string;
  readonly cron?: string;
  readonly timezone?: string;
  readonly every?: number;
  readonly at?: string;
  readonly start?: string;
  readonly end?: string;
  readonly jitter?: number;
  readonly misfire?: CreateSchedule["misfire"];
  readonly skipOverlap?: true;
  readonly queue?: string;
  readonly priority?: number;
  readonly expires?: number;
  readonly tag?: string[];
  readonly description?: string;
};

const addHelp = `
Exactly one of --cron, --every and --at says when. --input takes JSON, @FILE, or - for standard input.

Exit codes: 0 made; 1 the server refused it, and says which field; 2 usage; 4 not let in.`;

/** `millrace schedules ls|get|run|pause|resume|add|rm`, through the running server or without one. */
export function addSchedulesCommands(program: Command, host: CommandHost): void {
  const schedules = program.command("schedules").description("When jobs are made by themselves");
  const { server } = host;
  schedules
    .command("ls")
    .description("List schedules, newest first")
    .option("--task <task>", "only of this task")
    .addOption(new Option("--state <state>", "only these").choices(scheduleStates))
    .addOption(new Option("--source <source>", "only of these").choices(scheduleSources))
    .option("--limit <number>", "how many at most", positiveInteger(100_000), 1000)
    .option("--json", "print a JSON array")
    .action(async (options: ListOptions) => list(await server(), options));
  schedules
    .command("get <schedule>")
    .description("One schedule, by id or name, with its next times and its last runs")
    .option("--json", "print JSON")
    .action(async (schedule: string, { json }: JsonOption) => {
      const detail = await (await server()).call(pathOf(schedule), scheduleDetailSchema);
      if (json) writeJson(detail);
      else process.stdout.write(`${describe(detail).join("\n")}\n`);
    });
  schedules
    .command("run <schedule>")
    .description("Make a job of it now; prints the job's id")
    .option("--json", "print the whole job")
    .action(async (schedule: string, { json }: JsonOption) => {
      const job = await (await server()).call(`${pathOf(schedule)}/run`, jobSchema, { method: "POST" });
      if (json) writeJson(job);
      else process.stdout.write(`${job.id}\n`);
    });
  schedules
    .command("pause <schedule>")
    .description("Let no time of it come until it is resumed")
    .option("--reason <text>", "for those who wonder")
    .option("--json", "print JSON")
    .action(async (schedule: string, { reason, json }: JsonOption & { readonly reason?: string }) => {
      const body = JSON.stringify({ reason: reason ?? null });
      tell(
        await (await server()).call(`${pathOf(schedule)}/pause`, scheduleSchema, { method: "POST", body }),
        json,
      );
    });
  schedules
    .command("resume <schedule>")
    .description("Let it go on")
    .option("--json", "print JSON")
    .action(async (schedule: string, { json }: JsonOption) => {
      tell(
        await (await server()).call(`${pathOf(schedule)}/resume`, scheduleSchema, { method: "POST" }),
        json,
      );
    });
  addAddCommand(schedules, server);
  schedules
    .command("rm <schedule>")
    .description("Delete one made by hand; its jobs stay")
    .option("--json", "print JSON: {deleted}")
    .action(async (schedule: string, { json }: { readonly json?: true }) => {
      await (await server()).call(pathOf(schedule), z.null(), { method: "DELETE" });
      process.stderr.write(`Schedule ${printableLine(schedule)} is deleted\n`);
      if (json) writeJson({ deleted: schedule });
    });
}

function addAddCommand(schedules: Command, server: () => Promise<ApiClient>): void {
  schedules
    .command("add <name> <task>")
    .description("Make a schedule; prints its id")
    .option("--cron <expression>", "as '30 2 * * 1-5'; six fields begin with seconds")
    .option("--timezone <zone>", "for --cron, as Europe/Berlin. Default: UTC")
    .option("--every <time>", "as 15m, counted from --start or from now", seconds)
    .option("--at <moment>", "once, as 2026-12-01T09:00Z or 2h from now", moment)
    .option("--start <moment>", "no run before", moment)
    .option("--end <moment>", "no run after", moment)
    .option("--jitter <time>", "each run comes up to this much later", seconds)
    .addOption(
      new Option("--misfire <policy>", "what becomes of times that were missed. Default: once").choices(
        misfirePolicies,
      ),
    )
    .option("--skip-overlap", "no new job while the former one is pending")
    .option("--input <json>", "what the task is given. Default: an empty object")
    .option("--queue <queue>", "of its jobs. Default: the task's")
    .option("--priority <0-9>", "9 goes first. Default: the task's", priorityNumber)
    .option("--expires <time>", "a job that has not started by then expires", seconds)
    .option("--tag <tag...>", "tags to find its jobs by")
    .option("--description <text>", "for those who wonder")
    .option("--json", "print the whole schedule")
    .addHelpText("after", addHelp)
    .action(async (name: string, task: string, options: AddOptions) =>
      add(await server(), { name, task }, options),
    );
}

async function add(
  client: ApiClient,
  named: { readonly name: string; readonly task: string },
  options: AddOptions,
): Promise<void> {
  const body: CreateSchedule = {
    ...named,
    input: options.input === undefined ? undefined : await readInput(options.input),
    cron: options.cron,
    timezone: options.timezone,
    every_seconds: options.every,
    at: options.at,
    start_at: options.start,
    end_at: options.end,
    jitter_seconds: options.jitter,
    misfire: options.misfire,
    overlap: options.skipOverlap ? "skip" : undefined,
    queue: options.queue,
    priority: options.priority,
    expires_seconds: options.expires,
    tags: options.tag,
    description: options.description,
  };
  const made = await client.call("/api/schedules", scheduleSchema, {
    method: "POST",
    body: JSON.stringify(body),
  });
  if (options.json) writeJson(made);
  else process.stdout.write(`${made.id}\n`);
}

function seconds(value: string): number {
  const parsed = parseSeconds(value);
  if (parsed === undefined) throw new InvalidArgumentError("It must be a time such as 30s, 10m, 2h, 7d.");
  return parsed;
}

function pathOf(schedule: string): string {
  return `/api/schedules/${encodeURIComponent(schedule)}`;
}

async function list(client: ApiClient, { json, limit, ...query }: ListOptions): Promise<void> {
  const schedules = await listItems(client, "/api/schedules", scheduleSchema, { limit, query });
  if (json) {
    writeJson(schedules);
    return;
  }
  writeTable<Schedule>(
    process.stdout,
    [
      { title: "NAME", value: (schedule) => schedule.name, isFlexible: true },
      { title: "WHEN", value: whenOf },
      { title: "TASK", value: (schedule) => schedule.task },
      { title: "STATE", value: (schedule) => schedule.state },
      { title: "NEXT", value: ({ next_at: next }) => (next === null ? "-" : shortMoment(next)) },
      { title: "LAST", value: ({ last_at: last }) => (last === null ? "-" : shortMoment(last)) },
      { title: "RUNS", value: (schedule) => String(schedule.total_runs) },
      { title: "OF", value: (schedule) => schedule.source },
    ],
    schedules,
  );
}

function whenOf({ cron, timezone, every_seconds: every, at }: Schedule): string {
  if (cron !== null) return timezone === "UTC" ? cron : `${cron} ${timezone}`;
  return every === null ? `once ${at ?? ""}` : `every ${every} s`;
}

function tell(schedule: Schedule, json: true | undefined): void {
  if (json) writeJson(schedule);
  else process.stderr.write(`Schedule ${printableLine(schedule.name)} is ${schedule.state}\n`);
}

function describe(detail: ScheduleDetail): string[] {
  const { last_error: error } = detail;
  return [
    `${detail.id}  ${printableLine(detail.name)}`,
    ...(detail.description === null ? [] : [printableLine(detail.description)]),
    `Task      ${detail.task} ${printableLine(JSON.stringify(detail.input))}`,
    `When      ${whenOf(detail)}`,
    `State     ${stateOf(detail)}`,
    `Missed    ${detail.misfire}${detail.total_missed === 0 ? "" : `, ${detail.total_missed} so far`}`,
    ...(error === null ? [] : [`Error     ${printableLine(error.message)} (${error.code})`]),
    ...detail.next_runs.map((at) => `Next      ${at}`),
    ...detail.last_runs.map((run) => `Run       ${run.scheduled_for}  ${outcomeOf(run)}`),
  ];
}

function stateOf({ state, paused }: Schedule): string {
  if (paused === null) return state;
  return printableLine(`${state} by ${paused.by}${paused.reason === null ? "" : `: ${paused.reason}`}`);
}

function outcomeOf({ outcome, job_id: job, job_state: state, by, missed }: ScheduleRun): string {
  const words =
    job === null ? outcome : `${outcome === "enqueued" ? "job" : outcome} ${job}  ${state ?? "deleted"}`;
  return `${words}${by === null ? "" : `  asked for by ${by}`}${missed === 0 ? "" : `  after ${missed} missed`}`;
}
