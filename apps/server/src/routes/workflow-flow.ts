import type { NewWorkflow, WorkflowFlow, WorkflowPolicy } from "@millrace/contracts";
import { chain, chord, chunks, group, map, step } from "@millrace/queue";
import type { AnyFlow, Flow, StartableFlow, Task } from "@millrace/queue";
import { getTask } from "./tasks.ts";

type Named = { readonly task: string; readonly version?: number | undefined };
type StepFlow = Extract<WorkflowFlow, { task: string }>;

/**
 * The flow that a request describes by the names of tasks. What each part takes from the one before is known
 * when it runs: the compiler that checks programs sees no requests. Throws `task_not_found`.
 */
export function readFlow(tasks: readonly Task[], body: NewWorkflow): StartableFlow<unknown> {
  const { on_success: success, on_failure: failure } = body;
  const flow = toFlow(tasks, body.flow);
  const followed = success === undefined ? flow : flow.onSuccess(toStep(tasks, success));
  const whole = failure === undefined ? followed : followed.onFailure(toStep(tasks, failure));
  // Whether something goes before each part that needs it is looked at when it is started.
  return whole as StartableFlow<unknown>;
}

function toFlow(tasks: readonly Task[], flow: WorkflowFlow): AnyFlow {
  if ("task" in flow) return toStep(tasks, flow);
  if ("chain" in flow) {
    const parts = flow.chain.map((part) => toFlow(tasks, part));
    return chain(...(parts as readonly unknown[] as readonly Flow<unknown, unknown>[]));
  }
  const options: { policy?: WorkflowPolicy } = flow.policy === undefined ? {} : { policy: flow.policy };
  if ("group" in flow) {
    return group(
      flow.group.map((part) => toFlow(tasks, part)),
      options,
    );
  }
  if ("chord" in flow) {
    const header = flow.chord.header.map((part) => toFlow(tasks, part));
    return chord(header, toFlow(tasks, flow.chord.body) as never, options);
  }
  if ("chunks" in flow) {
    const { items, size } = flow.chunks;
    return chunks(find(tasks, flow.chunks) as Task<unknown[]>, items, size, options);
  }
  const task = find(tasks, { task: flow.map, version: flow.version });
  return flow.items === undefined ? map(task, options) : map(task, flow.items, options);
}

function toStep(tasks: readonly Task[], flow: StepFlow) {
  const task = find(tasks, flow);
  const { input, into, priority, delay_seconds: delay } = flow;
  const options = {
    ...(priority === undefined ? {} : { priority }),
    ...(delay === undefined ? {} : { delayMs: delay * 1000 }),
  };
  if (into !== undefined)
    return step(task as Task<Record<string, unknown>>, input as never, { ...options, into });
  return step(task, input, options);
}

function find(tasks: readonly Task[], { task, version }: Named): Task {
  return getTask(tasks, task, version);
}
