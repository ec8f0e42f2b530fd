import { createHash } from "node:crypto";
import type { WorkflowNodeKind, WorkflowPolicy } from "@millrace/contracts";
import { jsonText } from "@millrace/database";
import { newId } from "@millrace/kernel";
import { keptDays } from "../retention/kept-days.ts";
import { jobKeys } from "../tasks/job-keys.ts";
import type { Task } from "../tasks/task.ts";
import type { TaskRegistry } from "../tasks/task-registry.ts";
import { parseInput } from "../tasks/task-values.ts";
import type { FlowNode, JobFlow } from "./flow.ts";
import {
  invalidWorkflow,
  maxWorkflowDepth,
  maxWorkflowJobs,
  workflowTooDeep,
  workflowTooLarge,
} from "./workflow-errors.ts";

/** What a job is made of, stored where it is made later: whoever makes it need not know its task's code. */
export type JobTemplate = {
  readonly task: string;
  readonly version: number;
  readonly queue: string;
  readonly priority: number;
  readonly retries: number;
  readonly expiresInMs: number | null;
};

export type PlannedJob = JobTemplate & {
  readonly id: string;
  /** JSON text. */
  readonly input: string;
  readonly limitKey: string | null;
  readonly delayMs: number;
};

export type PlannedNode = {
  readonly number: number;
  readonly parent: number | null;
  readonly position: number;
  readonly kind: WorkflowNodeKind;
  readonly policy: WorkflowPolicy | null;
  readonly size: number;
  /** It starts with the workflow: nothing goes before it. */
  readonly isFirst: boolean;
  readonly takes: JobFlow["takes"];
  readonly takesKey: string | null;
  readonly job: PlannedJob | null;
  readonly template: JobTemplate | null;
};

export type PlannedWorkflow = {
  readonly nodes: readonly PlannedNode[];
  readonly jobs: number;
  /** The longest that one of its tasks keeps its jobs, in days. */
  readonly keptDays: { readonly succeeded: number; readonly otherwise: number };
  /** The same for the same request. */
  readonly fingerprint: string;
};

type Compiling = {
  readonly registry: TaskRegistry;
  readonly priority: number | undefined;
  readonly nodes: PlannedNode[];
  readonly tasks: Set<Task>;
  jobs: number;
};

type Place = {
  readonly parent: number | null;
  readonly position: number;
  readonly depth: number;
  readonly isFirst: boolean;
  /** Whether something goes before it whose output it could take. */
  readonly hasGiven: boolean;
};

/**
 * Numbers the parts of a flow and checks what can be checked before it starts. Throws `invalid_workflow`,
 * `workflow_too_large`, `workflow_too_deep`, or `invalid_job_input` for an input that is given in the flow.
 */
export function compileFlow(
  registry: TaskRegistry,
  root: FlowNode,
  options: { readonly priority?: number | undefined } = {},
): PlannedWorkflow {
  const compiling: Compiling = { registry, priority: options.priority, nodes: [], tasks: new Set(), jobs: 0 };
  addNode(compiling, root, { parent: null, position: 0, depth: 1, isFirst: true, hasGiven: false });
  const tasks = [...compiling.tasks];
  const longest = (end: "succeeded" | "failed"): number =>
    Math.max(keptDays(undefined, end), ...tasks.map((task) => keptDays(task, end)));
  return {
    nodes: compiling.nodes,
    jobs: compiling.jobs,
    keptDays: { succeeded: longest("succeeded"), otherwise: longest("failed") },
    fingerprint: fingerprintOf(compiling.nodes),
  };
}

function addNode(compiling: Compiling, node: FlowNode, place: Place): void {
  if (place.depth > maxWorkflowDepth) throw workflowTooDeep();
  const number = compiling.nodes.length + 1;
  const { parent, position, isFirst } = place;
  const plain = { number, parent, position, isFirst, takes: "nothing", takesKey: null } as const;
  const none = { policy: null, size: 0, job: null, template: null } as const;
  switch (node.kind) {
    case "job":
      if (++compiling.jobs > maxWorkflowJobs) throw workflowTooLarge(compiling.jobs);
      compiling.nodes.push({
        ...plain,
        ...none,
        kind: "job",
        takes: node.takes,
        takesKey: node.takesKey,
        job: planJob(compiling, node, place),
      });
      return;
    case "map":
      assertGiven(node.task, place);
      compiling.nodes.push({
        ...plain,
        ...none,
        kind: "map",
        policy: node.policy,
        template: templateOf(compiling, node.task, {}),
      });
      return;
    case "group":
    case "chain":
    case "chord": {
      const isGroup = node.kind === "group";
      const { parts } = node;
      if (!isGroup && parts.length === 0) throw invalidWorkflow("A chain has at least one part.");
      const policy = isGroup ? node.policy : null;
      compiling.nodes.push({ ...plain, ...none, kind: node.kind, policy, size: parts.length });
      for (const [nth, part] of parts.entries()) {
        const isNext = !isGroup && nth > 0;
        addNode(compiling, part, {
          parent: number,
          position: nth,
          depth: place.depth + 1,
          isFirst: isFirst && !isNext,
          hasGiven: place.hasGiven || isNext,
        });
      }
    }
  }
}

function planJob(compiling: Compiling, flow: JobFlow, place: Place): PlannedJob {
  if (flow.takes !== "nothing") assertGiven(flow.task, place);
  const template = templateOf(compiling, flow.task, flow.options);
  const task = compiling.registry.taskFor(flow.task);
  const { delayMs = 0 } = flow.options;
  const rest = { ...template, id: newId(), delayMs: checkDelay(delayMs) };
  if (flow.takes === "nothing") {
    const input = parseInput(task, flow.input);
    return { ...rest, input: jsonText(input), limitKey: jobKeys(task, input).limitKey };
  }
  if (
    flow.takes === "key" &&
    (typeof flow.input !== "object" || flow.input === null || Array.isArray(flow.input))
  ) {
    throw invalidWorkflow(
      `The input of ${flow.task.name} must be an object: what goes before it is put under a key of it.`,
    );
  }
  return { ...rest, input: jsonText(flow.takes === "key" ? flow.input : null), limitKey: null };
}

function assertGiven(task: Task, { hasGiven }: Place): void {
  if (hasGiven) return;
  throw invalidWorkflow(
    `Nothing goes before the job of ${task.name} whose output it could take. Give it an input.`,
  );
}

function templateOf(compiling: Compiling, given: Task, options: JobFlow["options"]): JobTemplate {
  const task = compiling.registry.taskFor(given);
  compiling.tasks.add(task);
  const priority = options.priority ?? compiling.priority ?? task.priority;
  if (!Number.isInteger(priority) || priority < 0 || priority > 9) {
    throw invalidWorkflow("A priority is a whole number from 0 to 9; 9 goes first.");
  }
  const { name, version, queue, retries, expiresInMs = null } = task;
  return { task: name, version, queue, priority, retries, expiresInMs };
}

/** What a job of a callback is made of. Its input comes at the end of the workflow. */
export function planCallback(
  registry: TaskRegistry,
  flow: JobFlow,
): JobTemplate & Pick<JobFlow, "takes" | "takesKey" | "input"> {
  const compiling: Compiling = { registry, priority: undefined, nodes: [], tasks: new Set(), jobs: 0 };
  const place = { parent: null, position: 0, depth: 1, isFirst: true, hasGiven: true };
  const { input } = planJob(compiling, flow, place);
  const { task, options, takes, takesKey } = flow;
  return { ...templateOf(compiling, task, options), takes, takesKey, input };
}

/** A century: the database could not count much further. */
const maxDelayMs = 100 * 365 * 24 * 3600 * 1000;

export function checkDelay(delayMs: number): number {
  if (!(delayMs >= 0 && delayMs <= maxDelayMs)) throw invalidWorkflow("A delay is milliseconds from now.");
  return delayMs;
}

function fingerprintOf(nodes: readonly PlannedNode[]): string {
  const hash = createHash("sha256");
  for (const { job, ...node } of nodes) {
    const { id: _id, ...rest } = job ?? { id: "" };
    hash.update(JSON.stringify([node, rest]));
  }
  return hash.digest("hex");
}
