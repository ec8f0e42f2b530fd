/** The outside world: it answers a victim's calls after a while, and keeps a record of everything. */
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { z } from "zod";
import { factsSchema } from "./facts.ts";
import type { Facts } from "./facts.ts";
import type { LookTime } from "./health.ts";

/** A call by a job's handler. Times are of this process's wall clock, in milliseconds. */
export type OutsideCall = {
  readonly launch: string;
  readonly job: string;
  readonly name: string;
  readonly isStep: boolean;
  readonly fence: number;
  readonly run: string;
  /** What the outside world asks for this call: of no two the same. */
  readonly price: number;
  readonly startedMs: number;
  endedMs: number | undefined;
  /** When the victim said that the step was recorded. */
  recordedMs: number | undefined;
};

export type Launch = {
  readonly name: string;
  readonly pid: number;
  readonly helloMs: number;
  readonly torn: readonly string[];
};
export type Acknowledgement = {
  readonly name: string;
  readonly jobs: readonly string[];
  readonly atMs: number;
};

/** What a launch says of itself, ten times a second. */
export type Pulse = {
  readonly launch: string;
  /** By its own clock, so that a receiver that is late sees no standstill where there was none. */
  readonly saidMs: number;
  readonly isProgressing: boolean;
  readonly doesBeat: boolean;
  /** The longest time since the last pulse in which its loop did not turn. */
  readonly loopDelayMs: number;
  /** For how long others had the processors since the last pulse: of its main thread, of all its threads. */
  readonly waitedMs: number;
  readonly starvedMs: number;
};

/** What somebody who watches all workers saw. */
export type Look = {
  readonly launch: string;
  readonly when: LookTime;
  readonly atMs: number;
  /** Workers that were heard of in time, and those that were not. */
  readonly live: number;
  readonly silent: number;
  /** Queues that hold jobs which could run, and those that were named to have no worker. */
  readonly due: readonly string[];
  readonly unserved: readonly string[];
};

/** A launch told that jobs were taken back from a worker that was lost. */
export type Loss = {
  readonly launch: string;
  readonly atMs: number;
  readonly worker: string;
  readonly name: string;
  readonly jobs: number;
};

/** The crashes that a launch had counted when it ended well. */
export type CrashCount = { readonly launch: string; readonly task: string; readonly count: number };

const bodies = {
  hello: z.object({ launch: z.string(), pid: z.number(), torn: z.array(z.string()) }),
  acknowledge: z.object({ name: z.string(), jobs: z.array(z.string()) }),
  call: z.object({
    launch: z.string(),
    job: z.string(),
    name: z.string(),
    isStep: z.boolean(),
    fence: z.number(),
    run: z.string(),
    holdMs: z.number(),
    until: z.string().optional(),
  }),
  pulse: z.object({
    launch: z.string(),
    saidMs: z.number(),
    isProgressing: z.boolean(),
    doesBeat: z.boolean(),
    loopDelayMs: z.number(),
    waitedMs: z.number(),
    starvedMs: z.number(),
  }),
  look: z.object({
    launch: z.string(),
    when: z.enum(["before work", "at work", "at rest"]),
    live: z.number(),
    silent: z.number(),
    due: z.array(z.string()),
    unserved: z.array(z.string()),
  }),
  lost: z.object({ launch: z.string(), worker: z.string(), name: z.string(), jobs: z.number() }),
  crashes: z.object({
    launch: z.string(),
    byTask: z.array(z.object({ task: z.string(), count: z.number() })),
  }),
  recorded: z.object({ job: z.string(), name: z.string(), run: z.string() }),
};

export class Receiver {
  readonly calls: OutsideCall[] = [];
  readonly launches: Launch[] = [];
  readonly acknowledged: Acknowledgement[] = [];
  readonly pulses: Pulse[] = [];
  readonly looks: Look[] = [];
  readonly losses: Loss[] = [];
  readonly crashCounts: CrashCount[] = [];
  facts: Facts | undefined;
  /** Ends whoever else works on the database; what remains is the launch that asks. */
  onRest: () => Promise<void> = () => Promise.resolve();
  readonly #server = createServer((request, response) => {
    this.#answer(request, response).catch((error: unknown) => {
      response.statusCode = 500;
      response.end(JSON.stringify(String(error)));
    });
  });
  readonly #waiting = new Set<{ readonly until: string; readonly resolve: () => void }>();

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const atMs = Date.now();
    const body: unknown = JSON.parse(await text(request));
    const answer = await this.#take(request.url ?? "", body, { response, atMs });
    response.end(JSON.stringify(answer));
  }

  async #take(path: string, body: unknown, at: { response: ServerResponse; atMs: number }): Promise<unknown> {
    switch (path) {
      case "/hello": {
        const { launch, pid, torn } = bodies.hello.parse(body);
        this.launches.push({ name: launch, pid, helloMs: at.atMs, torn });
        return { acknowledged: Object.fromEntries(this.acknowledged.map(({ name, jobs }) => [name, jobs])) };
      }
      case "/acknowledge": {
        const { name, jobs } = bodies.acknowledge.parse(body);
        this.acknowledged.push({ name, jobs, atMs: at.atMs });
        for (const waiting of this.#waiting) if (waiting.until === name) waiting.resolve();
        return {};
      }
      case "/call":
        return { price: await this.#hold(bodies.call.parse(body), at) };
      case "/recorded": {
        const { job, name, run } = bodies.recorded.parse(body);
        for (const call of this.calls) {
          if (call.job === job && call.name === name && call.run === run) call.recordedMs = at.atMs;
        }
        return {};
      }
      case "/pulse":
        this.pulses.push(bodies.pulse.parse(body));
        return {};
      case "/look":
        this.looks.push({ ...bodies.look.parse(body), atMs: at.atMs });
        return {};
      case "/lost":
        this.losses.push({ ...bodies.lost.parse(body), atMs: at.atMs });
        return {};
      case "/crashes": {
        const { launch, byTask } = bodies.crashes.parse(body);
        this.crashCounts.push(...byTask.map((count) => ({ launch, ...count })));
        return {};
      }
      case "/rest":
        await this.onRest();
        return {};
      case "/facts":
        this.facts = factsSchema.parse(body);
        return {};
      default:
        throw new Error(`Nobody answers ${path}`);
    }
  }

  async #hold(
    { holdMs, until, ...facts }: z.output<typeof bodies.call>,
    { response, atMs }: { response: ServerResponse; atMs: number },
  ): Promise<number> {
    const price = this.calls.length + 1;
    const call: OutsideCall = { ...facts, price, startedMs: atMs, endedMs: undefined, recordedMs: undefined };
    this.calls.push(call);
    const ended = Promise.withResolvers<void>();
    // Also when the caller dies: the system closes its connections at once.
    response.once("close", ended.resolve);
    const timer = setTimeout(ended.resolve, holdMs);
    const waiting = until === undefined ? undefined : { until, resolve: ended.resolve };
    if (waiting !== undefined && !this.acknowledged.some(({ name }) => name === until)) {
      clearTimeout(timer);
      this.#waiting.add(waiting);
    }
    await ended.promise;
    clearTimeout(timer);
    if (waiting !== undefined) this.#waiting.delete(waiting);
    call.endedMs = Date.now();
    return price;
  }
}
