import type { WorkflowPolicy } from "@millrace/contracts";
import { assertTask } from "../tasks/task-values.ts";
import type { Task } from "../tasks/task.ts";
import { invalidWorkflow } from "./workflow-errors.ts";

/** What became of one member of a group that collects. */
export type MemberOutcome<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly error: { readonly code: string; readonly message: string } };

/** What the job of `onFailure` is given. */
export type WorkflowFailure = {
  readonly workflow_id: string;
  readonly error: { readonly code: string; readonly message: string };
};

export type StepOptions = {
  /** 0 to 9, 9 first. Default: the workflow's, else the task's. */
  readonly priority?: number;
  /** From when it could start, in milliseconds. Default 0. */
  readonly delayMs?: number;
};

export type PolicyOptions<Policy extends WorkflowPolicy = WorkflowPolicy> = {
  /** What happens when a member does not succeed. Default `stop`. See `workflowPolicies`. */
  readonly policy?: Policy;
};

export type JobFlow = {
  readonly kind: "job";
  readonly task: Task;
  readonly input: unknown;
  readonly takes: "nothing" | "all" | "key";
  readonly takesKey: string | null;
  readonly options: StepOptions;
};

/** What a flow consists of. */
export type FlowNode =
  | JobFlow
  | { readonly kind: "chain" | "chord"; readonly parts: readonly FlowNode[] }
  | { readonly kind: "group"; readonly parts: readonly FlowNode[]; readonly policy: WorkflowPolicy }
  | { readonly kind: "map"; readonly task: Task; readonly policy: WorkflowPolicy };

/**
 * Jobs in an order, as data: what it takes from what goes before it, and what it gives to what comes after.
 * Nothing runs before `Workflows.start`.
 */
export class Flow<Given, Output> {
  /** Only for the compiler. */
  declare readonly takes: (given: Given) => void;
  /** Only for the compiler. */
  declare readonly gives: Output;
  readonly node: FlowNode;

  constructor(node: FlowNode) {
    this.node = node;
  }

  /** Enqueues this job once when the whole has succeeded, with its output. */
  onSuccess(callback: Step<Output, unknown>): WholeFlow<Given, Output> {
    return new WholeFlow<Given, Output>(this.node, {}).onSuccess(callback);
  }

  /** Enqueues this job once when the whole has failed, with what failed. Not when it was cancelled. */
  onFailure(callback: Step<WorkflowFailure, unknown>): WholeFlow<Given, Output> {
    return new WholeFlow<Given, Output>(this.node, {}).onFailure(callback);
  }
}

/** A flow of one job. */
export class Step<Given, Output> extends Flow<Given, Output> {
  readonly job: JobFlow;

  constructor(job: JobFlow) {
    super(job);
    this.job = job;
  }
}

export type Callbacks = { readonly success?: JobFlow; readonly failure?: JobFlow };

/** A flow with what follows its end. It can be started, and be no part of another. */
export class WholeFlow<Given, Output> {
  /** Only for the compiler. */
  declare readonly startsWith: (given: Given) => void;
  /** Only for the compiler. */
  declare readonly endsWith: Output;
  readonly node: FlowNode;
  readonly callbacks: Callbacks;

  constructor(node: FlowNode, callbacks: Callbacks) {
    this.node = node;
    this.callbacks = callbacks;
  }

  /** See `Flow.onSuccess`. */
  onSuccess(callback: Step<Output, unknown>): WholeFlow<Given, Output> {
    return new WholeFlow(this.node, { ...this.callbacks, success: callback.job });
  }

  /** See `Flow.onFailure`. */
  onFailure(callback: Step<WorkflowFailure, unknown>): WholeFlow<Given, Output> {
    return new WholeFlow(this.node, { ...this.callbacks, failure: callback.job });
  }
}

/** Any flow, whatever it takes and gives. */
export type AnyFlow = Flow<never, unknown>;
type TakenBy<One> = One extends Flow<infer Given, unknown> ? (given: Given) => void : never;
/** What all of them take: each is given the same. */
type TakenByAll<Flows extends readonly AnyFlow[]> = Flows extends readonly []
  ? unknown
  : TakenBy<Flows[number]> extends (given: infer Given) => void
    ? Given
    : never;
type GivenBy<One> = One extends Flow<never, infer Output> ? Output : never;
type Result<Output, Policy extends WorkflowPolicy> = Policy extends "collect"
  ? MemberOutcome<Output>
  : Output;
type GivenByAll<Flows extends readonly AnyFlow[], Policy extends WorkflowPolicy> = {
  -readonly [Index in keyof Flows]: Result<GivenBy<Flows[Index]>, Policy>;
};

/** A job that is given the output of what goes before it. */
export function step<Input, Output>(task: Task<Input, Output>): Step<Input, Output>;
/** A job with its input given here; the output of what goes before it is left alone. */
export function step<Input, Output>(
  task: Task<Input, Output>,
  input: NoInfer<Input>,
  options?: StepOptions,
): Step<unknown, Output>;
/** A job that is given the output of what goes before it under this key of its input. */
export function step<Input, Output, Key extends keyof Input & string>(
  task: Task<Input, Output>,
  input: Omit<NoInfer<Input>, Key>,
  options: StepOptions & { readonly into: Key },
): Step<Input[Key], Output>;
export function step(
  task: Task,
  ...[input, options = {}]: [input?: unknown, options?: StepOptions & { into?: string }]
): Step<never, unknown> {
  assertTask(task);
  const { into, ...rest } = options;
  const takes = into !== undefined ? "key" : input === undefined ? "all" : "nothing";
  return new Step({ kind: "job", task, input, takes, takesKey: into ?? null, options: rest });
}

/** One after another, each given the output of the one before. Its output is that of the last. */
export function chain<A, B>(first: Flow<A, B>): Flow<A, B>;
export function chain<A, B, C>(first: Flow<A, B>, second: Flow<B, C>): Flow<A, C>;
export function chain<A, B, C, D>(a: Flow<A, B>, b: Flow<B, C>, c: Flow<C, D>): Flow<A, D>;
export function chain<A, B, C, D, E>(a: Flow<A, B>, b: Flow<B, C>, c: Flow<C, D>, d: Flow<D, E>): Flow<A, E>;
export function chain<A, B, C, D, E, F>(
  ...flows: readonly [Flow<A, B>, Flow<B, C>, Flow<C, D>, Flow<D, E>, Flow<E, F>]
): Flow<A, F>;
export function chain<A, B, C, D, E, F, G>(
  ...flows: readonly [Flow<A, B>, Flow<B, C>, Flow<C, D>, Flow<D, E>, Flow<E, F>, Flow<F, G>]
): Flow<A, G>;
/** Any number of one kind, each taking what the others give. */
export function chain<Value>(...flows: readonly Flow<Value, Value>[]): Flow<Value, Value>;
export function chain(...flows: readonly AnyFlow[]): Flow<never, unknown> {
  return new Flow({ kind: "chain", parts: flows.map(partOf) });
}

/** Beside each other, each given the same. Its output is the array of theirs, in the order given here. */
export function group<const Flows extends readonly AnyFlow[], const Policy extends WorkflowPolicy = "stop">(
  members: Flows,
  options?: PolicyOptions<Policy>,
): Flow<TakenByAll<Flows>, GivenByAll<Flows, Policy>>;
export function group<const Flows extends readonly AnyFlow[]>(
  ...members: Flows
): Flow<TakenByAll<Flows>, GivenByAll<Flows, "stop">>;
export function group(...words: readonly unknown[]): Flow<never, unknown> {
  const [first, options] = words;
  const isList = Array.isArray(first);
  const { policy = "stop" } = (isList ? (options ?? {}) : {}) as PolicyOptions;
  const members = (isList ? first : words) as readonly AnyFlow[];
  return new Flow({ kind: "group", parts: members.map(partOf), policy });
}

/** A body that runs once, given the output of what it joins: a group, a map, or an array of flows. */
export function chord<Given, Joined, Output>(
  header: Flow<Given, Joined>,
  body: Flow<Joined, Output>,
): Flow<Given, Output>;
export function chord<
  const Flows extends readonly AnyFlow[],
  Output,
  const Policy extends WorkflowPolicy = "stop",
>(
  header: Flows,
  body: Flow<GivenByAll<Flows, Policy>, Output>,
  options?: PolicyOptions<Policy>,
): Flow<TakenByAll<Flows>, Output>;
export function chord(
  header: AnyFlow | readonly AnyFlow[],
  body: AnyFlow,
  options: PolicyOptions = {},
): Flow<never, unknown> {
  const joined: AnyFlow = header instanceof Flow ? header : group(header, options);
  return new Flow({ kind: "chord", parts: [partOf(joined), partOf(body)] });
}

/** A job for each element of the output of what goes before it, made when that is there. */
export function map<Input, Output, const Policy extends WorkflowPolicy = "stop">(
  task: Task<Input, Output>,
  options?: PolicyOptions<Policy>,
): Flow<readonly Input[], Result<Output, Policy>[]>;
/** A job for each item. */
export function map<Input, Output, const Policy extends WorkflowPolicy = "stop">(
  task: Task<Input, Output>,
  items: readonly NoInfer<Input>[],
  options?: PolicyOptions<Policy>,
): Flow<unknown, Result<Output, Policy>[]>;
export function map(
  task: Task,
  ...[first, second]: [first?: readonly unknown[] | PolicyOptions, second?: PolicyOptions]
): Flow<never, unknown> {
  assertTask(task);
  if (Array.isArray(first)) return mapItems(task, first, second);
  const { policy = "stop" } = (first ?? {}) as PolicyOptions;
  return new Flow({ kind: "map", task, policy });
}

/** A job for each `size` of the items, for a task that takes an array. Fewer jobs than a map makes. */
export function chunks<Item, Output, const Policy extends WorkflowPolicy = "stop">(
  task: Task<Item[], Output>,
  items: readonly NoInfer<Item>[],
  size: number,
  options: PolicyOptions<Policy> = {},
): Flow<unknown, Result<Output, Policy>[]> {
  assertTask(task);
  if (!Number.isInteger(size) || size < 1)
    throw invalidWorkflow("Chunks have a whole number of items, at least 1.");
  const parts = Array.from({ length: Math.ceil(items.length / size) }, (_none, nth) =>
    items.slice(nth * size, (nth + 1) * size),
  );
  return mapItems(task, parts, options);
}

function mapItems<Given, Output>(
  task: Task,
  items: readonly unknown[],
  { policy = "stop" }: PolicyOptions = {},
): Flow<Given, Output> {
  const parts = items.map((input): JobFlow => ({
    kind: "job",
    task,
    input,
    takes: "nothing",
    takesKey: null,
    options: {},
  }));
  return new Flow({ kind: "group", parts, policy });
}

function partOf(flow: AnyFlow): FlowNode {
  // JavaScript callers may try: the callbacks would be lost without a word.
  if (!(flow instanceof Flow))
    throw invalidWorkflow("Each part must be a flow without callbacks of its own.");
  return flow.node;
}
