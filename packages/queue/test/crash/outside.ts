/** The outside world as a victim and its children see it: a server in the process of the test. */
import type { JobContext, FencedScope } from "../../src/index.ts";
import { newId } from "@millrace/kernel";
import type { Facts } from "./facts.ts";

export type CallOptions = { readonly holdMs: number; readonly until?: string | undefined };

/** What a launch of the victim is told when it begins: what was acknowledged before, with its jobs. */
export type Acknowledged = Readonly<Record<string, readonly string[]>>;

export class Outside {
  readonly #url: string;
  readonly #launch: string;

  constructor(url: string, launch: string) {
    this.#url = url;
    this.#launch = launch;
  }

  /** One run of a job's handler. */
  begin(job: string, fence: number): OutsideRun {
    return new OutsideRun(this, { job, fence, run: newId() });
  }

  hello(seen: { readonly torn: readonly string[] }): Promise<{ readonly acknowledged: Acknowledged }> {
    return this.post("hello", { ...seen, pid: process.pid }) as Promise<{ acknowledged: Acknowledged }>;
  }

  /** What a client hears when its request is accepted for good. */
  async acknowledge(name: string, jobs: readonly string[]): Promise<void> {
    await this.post("acknowledge", { name, jobs });
  }

  /** Resolves when nobody else works on the database any more. */
  async rest(): Promise<void> {
    await this.post("rest", {});
  }

  async tellFacts(facts: Facts): Promise<void> {
    await this.post("facts", facts);
  }

  async post(path: string, body: object, signal?: AbortSignal): Promise<unknown> {
    const response = await fetch(`${this.#url}/${path}`, {
      method: "POST",
      body: JSON.stringify({ launch: this.#launch, ...body }),
      ...(signal === undefined ? {} : { signal }),
    });
    if (!response.ok) throw new Error(`The receiver answered ${response.status} to ${path}`);
    return await response.json();
  }
}

type Context = Pick<JobContext<unknown>, "step" | "signal"> & { readonly input: CallOptions };

export class OutsideRun {
  readonly fence: number;
  readonly #outside: Outside;
  readonly #facts: { readonly job: string; readonly fence: number; readonly run: string };

  constructor(
    outside: Outside,
    facts: { readonly job: string; readonly fence: number; readonly run: string },
  ) {
    this.fence = facts.fence;
    this.#outside = outside;
    this.#facts = facts;
  }

  /** A call that may be made again after a crash, whatever became of it. */
  async call(name: string, { holdMs, until }: CallOptions, signal: AbortSignal): Promise<void> {
    await this.#outside.post("call", { ...this.#facts, name, holdMs, until, isStep: false }, signal);
  }

  /** A call in a step of the job; says so when it is recorded. */
  async step(
    { step, signal: ofJob, input }: Context,
    name: string,
    onCalled?: () => void,
    record?: (scope: FencedScope, price: number) => Promise<void>,
  ): Promise<void> {
    const run = async (signal: AbortSignal): Promise<number> => {
      const { holdMs, until } = input;
      const asked = { ...this.#facts, name, holdMs, until, isStep: true };
      const { price } = (await this.#outside.post("call", asked, signal)) as { readonly price: number };
      onCalled?.();
      return price;
    };
    await step(name, run, record === undefined ? {} : { record });
    await this.#outside.post("recorded", { ...this.#facts, name }, ofJob);
  }
}
