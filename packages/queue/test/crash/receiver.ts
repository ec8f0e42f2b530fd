/** The outside world: it answers a victim's calls after a while, and keeps a record of everything. */
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { z } from "zod";
import { factsSchema } from "./facts.ts";
import type { Facts } from "./facts.ts";

/** A call by a job's handler. Times are of this process's wall clock, in milliseconds. */
export type OutsideCall = {
  readonly launch: string;
  readonly job: string;
  readonly name: string;
  readonly isStep: boolean;
  readonly fence: number;
  readonly run: string;
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
  recorded: z.object({ job: z.string(), name: z.string(), run: z.string() }),
};

export class Receiver {
  readonly calls: OutsideCall[] = [];
  readonly launches: Launch[] = [];
  readonly acknowledged: Acknowledgement[] = [];
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
        await this.#hold(bodies.call.parse(body), at);
        return {};
      case "/recorded": {
        const { job, name, run } = bodies.recorded.parse(body);
        for (const call of this.calls) {
          if (call.job === job && call.name === name && call.run === run) call.recordedMs = at.atMs;
        }
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
  ): Promise<void> {
    const call: OutsideCall = { ...facts, startedMs: atMs, endedMs: undefined, recordedMs: undefined };
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
  }
}
