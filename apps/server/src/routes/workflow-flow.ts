import type { NewWorkflow, WorkflowFlow, WorkflowPolicy } from "@millrace/contracts";
import { chain, chord, chunks, group, map, step } from "@millrace/queue";
import type { AnyFlow, Flow, StartableFlow, Task } from "@millrace/queue";
import { assertInput, getTask } from "./tasks.ts";

type Named = { readonly task: string; readonly version?: number | undefined };
type StepFlow = Extract<WorkflowFlow, { task: string }>;

/**
 * The flow that a request describes by the names of tasks. What each part takes from the one before is known
 * when it runs: the compiler that checks programs sees no requests. Throws `task_not_found`, and
 * `invalid_job_input` for what is given here and does not fit.
 */
export function readFlow(tasks: readonly Task[], body: NewWorkflow): StartableFlow<unknown> {
  const { on_success: success, on_failure: failure } = body;
  const flow = toFlow(tasks, body.flow, "/flow");
  const followed = success === undefined ? flow : flow.onSuccess(toStep(tasks, success, "/on_success"));
  const whole = failure === undefined ? followed : followed.onFailure(toStep(tasks, failure, "/on_failure"));
  // Whether something goes before each part that needs it is looked at when it is started.
  return whole as StartableFlow<unknown>;
}

/** `at` is the pointer of the part in the body. */
function toFlow(tasks: readonly Task[], flow: WorkflowFlow, at: string): AnyFlow {
  if ("task" in flow) return toStep(tasks, flow, at);
  if ("chain" in flow) {
    const parts = toFlows(tasks, flow.chain, `${at}/chain`);
    return chain(...(parts as readonly unknown[] as readonly Flow<unknown, unknown>[]));
  }
  const options: { policy?: WorkflowPolicy } = flow.policy === undefined ? {} : { policy: flow.policy };
  if ("group" in flow) return group(toFlows(tasks, flow.group, `${at}/group`), options);
  if ("chord" in flow) {
    const header = toFlows(tasks, flow.chord.header, `${at}/chord/header`);
    return chord(header, toFlow(tasks, flow.chord.body, `${at}/chord/body`) as never, options);
  }
  if ("chunks" in flow) {
    const { items, size } = flow.chunks;
    return chunks(find(tasks, flow.chunks) as Task<unknown[]>, items, size, options);
  }
  const task = find(tasks, { task: flow.map, version: flow.version });
  if (flow.items === undefined) return map(task, options);
  for (const [nth, item] of flow.items.entries()) assertInput(task, item, `${at}/items/${nth}`);
  return map(task, flow.items, options);
}

function toFlows(tasks: readonly Task[], flows: readonly WorkflowFlow[], at: string): AnyFlow[] {
  return flows.map((part, nth) => toFlow(tasks, part, `${at}/${nth}`));
}

function toStep(tasks: readonly Task[], flow: StepFlow, at: string) {
  const task = find(tasks, flow);
  const { input, into, priority, delay_seconds: delay } = flow;
  const options = {
    ...(priority === undefined ? {} : { priority }),
    ...(delay === undefined ? {} : { delayMs: delay * 1000 }),
  };
  if (into !== undefined)
    return step(task as Task<Record<string, unknown>>, input as never, { ...options, into });
  if (input !== undefined) assertInput(task, input, `${at}/input`);
  return step(task, input, options);
}

function find(tasks: readonly Task[], { task, version }: Named): Task {
  return getTask(tasks, task, version);
}
