import { workflowDetailSchema, workflowSchema, workflowStates } from "@millrace/contracts";
import type { Workflow, WorkflowDetail, WorkflowNode } from "@millrace/contracts";
import { Option } from "commander";
import type { Command } from "commander";
import type { CommandHost } from "./command-host.ts";
import { positiveInteger } from "./option-values.ts";
import type { ApiClient } from "./server/api-client.ts";
import { listItems } from "./server/list-all.ts";
import { printableLine } from "./terminal/printable.ts";
import { shortMoment, writeTable } from "./terminal/table.ts";
import { writeJson } from "./write-json.ts";

type JsonOption = { readonly json?: true };
type ListOptions = JsonOption & { readonly limit: number; readonly state?: string; readonly name?: string };
type GetOptions = JsonOption & { readonly members: number };

/** `millrace workflows ls|get|cancel|retry`, through the running server or without one. */
export function addWorkflowsCommands(program: Command, host: CommandHost): void {
  const workflows = program.command("workflows").description("Chains, groups and chords of jobs");
  const { server } = host;
  workflows
    .command("ls")
    .description("List workflows, newest first")
    .option("--limit <number>", "how many at most", positiveInteger(100_000), 20)
    .addOption(new Option("--state <state>", "only these").choices(workflowStates))
    .option("--name <name>", "only of this name")
    .option("--json", "print a JSON array")
    .action(async (options: ListOptions) => list(await server(), options));
  workflows
    .command("get <id>")
    .description("One workflow with its tree")
    .option("--members <number>", "of each group, so many at most", positiveInteger(1000), 20)
    .option("--json", "print JSON")
    .action(async (id: string, options: GetOptions) => get(await server(), id, options));
  for (const [verb, description] of [
    ["cancel", "Cancel a whole workflow, whatever its jobs do"],
    ["retry", "Try again what did not succeed in a workflow"],
  ] as const) {
    workflows
      .command(`${verb} <id>`)
      .description(description)
      .option("--json", "print JSON")
      .action(async (id: string, options: JsonOption) => {
        const path = `${workflowPath(id)}/${verb}`;
        const workflow = await (await server()).call(path, workflowSchema, { method: "POST" });
        if (options.json) writeJson(workflow);
        else process.stderr.write(`Workflow ${workflow.id} is ${workflow.display_state}\n`);
      });
  }
}

function workflowPath(id: string): string {
  return `/api/workflows/${encodeURIComponent(id)}`;
}

async function list(client: ApiClient, { json, limit, ...query }: ListOptions): Promise<void> {
  const workflows = await listItems(client, "/api/workflows", workflowSchema, { limit, query });
  if (json) {
    writeJson(workflows);
    return;
  }
  writeTable<Workflow>(
    process.stdout,
    [
      { title: "ID", value: (workflow) => workflow.id },
      { title: "STATE", value: (workflow) => workflow.display_state },
      { title: "NAME", value: (workflow) => workflow.name ?? "", isFlexible: true },
      { title: "ENDED", value: ({ progress }) => `${progress.ended}/${progress.total}` },
      { title: "FAILED", value: ({ progress }) => String(progress.failed) },
      { title: "CREATED", value: (workflow) => shortMoment(workflow.created_at) },
    ],
    workflows,
  );
}

async function get(client: ApiClient, id: string, { json, members }: GetOptions): Promise<void> {
  const workflow = await client.call(workflowPath(id), workflowDetailSchema, { query: { members } });
  if (json) writeJson(workflow);
  else process.stdout.write(`${describe(workflow).join("\n")}\n`);
}

function describe(workflow: WorkflowDetail): string[] {
  const { progress, error } = workflow;
  const failed = progress.failed === 0 ? "" : `, ${progress.failed} of them without success`;
  return [
    `${workflow.id}  ${printableLine(workflow.name ?? "")}`.trimEnd(),
    `State     ${workflow.display_state}`,
    `Progress  ${progress.percent} %  ${progress.ended} of ${progress.total} jobs have ended${failed}`,
    `Created   ${workflow.created_at}`,
    ...(workflow.finished_at === null ? [] : [`Finished  ${workflow.finished_at}`]),
    ...(error === null ? [] : [`Error     ${printableLine(error.message)} (${error.code})`]),
    ...(workflow.callback_job_id === null ? [] : [`Callback  ${workflow.callback_job_id}`]),
    ...drawTree(workflow.tree),
  ];
}

/** The tree as `tree` draws folders. */
function drawTree(node: WorkflowNode, before = "", children = ""): string[] {
  const hidden = node.size - node.children.length;
  const parts = node.children.flatMap((child, nth) => {
    const isLast = hidden === 0 && nth === node.children.length - 1;
    return drawTree(child, `${children}${isLast ? "└─ " : "├─ "}`, `${children}${isLast ? "   " : "│  "}`);
  });
  const rest = hidden === 0 ? [] : [`${children}└─ … ${hidden} more`];
  return [`${before}${nameOf(node)}`, ...parts, ...rest];
}

function nameOf(node: WorkflowNode): string {
  const { kind, task, state, job_id, job_state, counts, error } = node;
  const why = error === null || kind !== "job" ? "" : `: ${printableLine(error.message)} (${error.code})`;
  if (kind === "job") return `${task ?? "job"}  ${job_state ?? state}  ${job_id ?? ""}${why}`;
  const members = Object.entries(counts ?? {}).map(([name, count]) => `${count} ${name}`);
  const of = members.length === 0 ? "" : ` (${members.join(", ")})`;
  return `${kind}${task === null ? "" : ` ${task}`}  ${state}${of}`;
}
