/** What must be true of a workflow's nodes and jobs after every commit, whatever the flow. */
import { isDeepStrictEqual } from "node:util";
import type { JobState } from "@millrace/contracts";

export type SeenNode = {
  readonly number: number;
  readonly parent: number | null;
  readonly position: number;
  readonly kind: "job" | "chain" | "chord" | "group" | "map";
  readonly policy: "stop" | "finish" | "collect" | null;
  readonly state: "blocked" | "running" | "succeeded" | "failed" | "cancelled" | "skipped";
  readonly size: number;
  readonly remaining: number;
  readonly unsuccessful: number;
  readonly takes: "nothing" | "all" | "key";
  readonly job: SeenJob | null;
};

export type SeenJob = {
  readonly id: string;
  readonly state: JobState;
  readonly fence: number;
  readonly successes: number;
  readonly input: unknown;
  readonly output: unknown;
};

const stateOfJob: Readonly<Record<SeenNode["state"], readonly JobState[]>> = {
  blocked: ["blocked"],
  running: ["queued", "running"],
  succeeded: ["succeeded"],
  failed: ["failed"],
  cancelled: ["cancelled"],
  skipped: ["cancelled"],
};
const withoutSuccess = ["failed", "cancelled", "skipped"];

/** The nodes of one workflow, by their numbers. */
export class SeenTree {
  readonly nodes: readonly SeenNode[];
  readonly #byNumber: ReadonlyMap<number, SeenNode>;
  readonly #parts: ReadonlyMap<number | null, readonly SeenNode[]>;

  constructor(nodes: readonly SeenNode[]) {
    this.nodes = nodes;
    this.#byNumber = new Map(nodes.map((node) => [node.number, node]));
    const byPosition = nodes.toSorted((left, right) => left.position - right.position);
    this.#parts = Map.groupBy(byPosition, ({ parent }) => parent);
  }

  get root(): SeenNode {
    return this.#node(1);
  }

  /** The jobs in one of these states, or all; not those that something has succeeded without, which go on for themselves. */
  jobs(...states: readonly JobState[]): SeenJob[] {
    return this.nodes.flatMap((node) => {
      const { job } = node;
      if (job === null || (job.state !== "succeeded" && this.#isLeftOut(node))) return [];
      return states.length === 0 || states.includes(job.state) ? [job] : [];
    });
  }

  #isLeftOut({ parent }: SeenNode): boolean {
    if (parent === null) return false;
    const whole = this.#node(parent);
    return whole.state === "succeeded" || this.#isLeftOut(whole);
  }

  /** What is not as it must be; nothing when all is well. */
  problems(): string[] {
    return this.nodes.flatMap((node) =>
      this.#problemsOf(node).map(
        (problem) => `${node.kind} ${node.number} (${node.state}) of ${node.parent ?? "none"}: ${problem}`,
      ),
    );
  }

  #problemsOf(node: SeenNode): string[] {
    if (node.job !== null) return this.#problemsOfJob(node, node.job);
    const parts = this.#partsOf(node);
    const states = parts.map(({ state }) => state);
    const problems = isSequence(node) ? sequenceProblems(node, states) : groupProblems(node, states);
    if (node.state === "running" && !isSequence(node) && !(node.kind === "map" && parts.length === 0)) {
      const left = states.filter((state) => state === "running" || state === "blocked").length;
      const unsuccessful = states.filter((state) => withoutSuccess.includes(state)).length;
      if (left !== node.remaining) problems.push(`waits for ${node.remaining} parts of ${left}`);
      if (unsuccessful !== node.unsuccessful)
        problems.push(`counts ${node.unsuccessful} without success of ${unsuccessful}`);
    }
    return problems;
  }

  #problemsOfJob(node: SeenNode, job: SeenJob): string[] {
    const problems: string[] = [];
    if (!stateOfJob[node.state].includes(job.state)) problems.push(`its job is ${job.state}`);
    if (job.successes !== (job.state === "succeeded" ? 1 : 0))
      problems.push(`it has succeeded ${job.successes} times`);
    if (node.takes === "all" && ["running", "succeeded", "failed"].includes(node.state)) {
      const given = this.#givenTo(node);
      if (!isDeepStrictEqual(given, withoutErrors(job.input)))
        problems.push(`it was given ${JSON.stringify(job.input)} instead of ${JSON.stringify(given)}`);
    }
    return problems;
  }

  /** What the part before it gave, or that before what it is a part of. */
  #givenTo(node: SeenNode): unknown {
    if (node.parent === null) return undefined;
    const whole = this.#node(node.parent);
    if (!isSequence(whole) || node.position === 0) return this.#givenTo(whole);
    return this.outputOf(this.#partsOf(whole)[node.position - 1] ?? whole);
  }

  /** What a node that has succeeded gives, without errors. */
  outputOf(node: SeenNode): unknown {
    if (node.job !== null) return node.job.output;
    const parts = this.#partsOf(node);
    const last = parts.at(-1);
    if (isSequence(node)) return last === undefined ? null : this.outputOf(last);
    if (node.policy !== "collect") return parts.map((part) => this.outputOf(part));
    return parts.map((part) =>
      part.state === "succeeded" ? { ok: true, value: this.outputOf(part) } : { ok: false },
    );
  }

  #partsOf({ number }: SeenNode): readonly SeenNode[] {
    return this.#parts.get(number) ?? [];
  }

  #node(number: number): SeenNode {
    const node = this.#byNumber.get(number);
    if (node === undefined) throw new Error(`there is no node ${number}`);
    return node;
  }
}

/** Which of several errors an outcome tells is not ruled. */
export function withoutErrors(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (key, one: unknown) => (key === "error" ? undefined : one)));
}

function isSequence({ kind }: SeenNode): boolean {
  return kind === "chain" || kind === "chord";
}

/** One after another: what has succeeded, then one that has not, then what was not reached. */
function sequenceProblems(node: SeenNode, states: readonly SeenNode["state"][]): string[] {
  const done = states.findIndex((state) => state !== "succeeded");
  const [next, ...rest] = done < 0 ? [] : states.slice(done);
  const isRest = (...allowed: SeenNode["state"][]): boolean => rest.every((state) => allowed.includes(state));
  switch (node.state) {
    case "running":
      return next === "running" && isRest("blocked", "skipped") ? [] : [`runs with ${states.join()}`];
    case "succeeded":
      return next === undefined ? [] : [`has succeeded with ${states.join()}`];
    case "failed":
    case "cancelled":
      return next !== undefined && withoutSuccess.includes(next) && isRest("skipped")
        ? []
        : [`has ended with ${states.join()}`];
    case "blocked":
      return states.every((state) => state === "blocked" || state === "skipped")
        ? []
        : [`waits with ${states.join()}`];
    case "skipped":
      return states.every((state) => state === "skipped") ? [] : [`was skipped with ${states.join()}`];
  }
}

function groupProblems(node: SeenNode, states: readonly SeenNode["state"][]): string[] {
  const isOpen = states.includes("running");
  const hasFailed = states.some((state) => withoutSuccess.includes(state));
  const isReached = !states.includes("blocked");
  switch (node.state) {
    case "running":
      return isOpen && isReached ? [] : [`runs with ${states.join()}`];
    case "succeeded":
      return !isOpen && isReached && (!hasFailed || node.policy === "collect")
        ? []
        : [`has succeeded with ${states.join()}`];
    case "failed":
    case "cancelled":
      return !isOpen && isReached && hasFailed ? [] : [`has ended with ${states.join()}`];
    case "blocked":
      return states.every((state) => state === "blocked" || state === "skipped")
        ? []
        : [`waits with ${states.join()}`];
    case "skipped":
      return states.every((state) => state === "skipped") ? [] : [`was skipped with ${states.join()}`];
  }
}
