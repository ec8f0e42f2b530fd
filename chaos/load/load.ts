import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { sendUntilTaken } from "./client.ts";
import type { Addresses, Reply } from "./client.ts";
import { Random } from "./random.ts";

/** What somebody asked for and was told it is accepted. */
export type Accepted = {
  readonly kind: Kind;
  /** Of a job; of a workflow for `chord`; of a document's job for `document`. */
  readonly id: string;
  readonly documentId?: string;
  /** What it must give when it succeeds; for `chord` its body. Undefined: it depends on what happens to it. */
  readonly output?: number;
  readonly acceptedMs: number;
  /** When a cancellation was accepted. */
  cancelledMs?: number;
};

const kinds = [
  "nothing",
  "pay",
  "flaky",
  "fail",
  "delayed",
  "chord",
  "cancelled",
  "document",
  "ask",
] as const;
export type Kind = (typeof kinds)[number];

// Of hundred requests; the rest does nothing.
const shares: Readonly<Partial<Record<Kind, number>>> = {
  pay: 25,
  flaky: 10,
  fail: 3,
  delayed: 10,
  chord: 4,
  cancelled: 6,
  document: 1,
  ask: 5,
};

const withId = z.object({ id: z.uuid() });
const withDocument = z.object({ document: z.object({ id: z.uuid() }), job: withId });

export type LoadOptions = {
  readonly addresses: Addresses;
  readonly seed: number;
  /** Clients beside each other, each with one request at a time. */
  readonly clients: number;
  /** Between two requests of a client, on average. */
  readonly pauseMs: number;
  /** How many jobs have not ended; undefined when nobody can say now. */
  readonly countOpen: () => Promise<number | undefined>;
};

/** More open jobs than this, and clients wait: what is measured are faults, not a line that grows. */
const maxOpen = 60;
const lookEveryMs = 250;

/** Clients that ask for work of all kinds, in an order that the seed decides. */
export class Load {
  readonly accepted: Accepted[] = [];
  /** Answers that a client must not get, such as a 404 for what was accepted. */
  readonly wrongAnswers: string[] = [];
  /** Requests that were given up without an answer: they may have been taken. */
  unknown = 0;
  readonly #options: LoadOptions;
  readonly #stopping = new AbortController();
  #isEnding = false;
  #open = 0;
  #clients: Promise<unknown> = Promise.resolve();

  constructor(options: LoadOptions) {
    this.#options = options;
  }

  start(): void {
    const random = new Random(this.#options.seed);
    const clients = Array.from({ length: this.#options.clients }, () => this.#work(random.fork()));
    this.#clients = Promise.all([...clients, this.#watchLine()]);
  }

  /** No new requests; those under way are tried on for `graceMs`, so that few outcomes stay unknown. */
  async stop(graceMs: number): Promise<void> {
    this.#isEnding = true;
    const timer = setTimeout(() => this.#stopping.abort(), graceMs);
    await this.#clients;
    clearTimeout(timer);
  }

  async #watchLine(): Promise<void> {
    while (!this.#isEnding) {
      this.#open = (await this.#options.countOpen()) ?? this.#open;
      await delay(lookEveryMs);
    }
  }

  async #work(random: Random): Promise<void> {
    while (!this.#isEnding) {
      if (this.#open < maxOpen) await this.#ask(pickKind(random), random);
      await delay(random.between(0, 2 * this.#options.pauseMs));
    }
  }

  async #ask(kind: Kind, random: Random): Promise<void> {
    const first = random.between(0, 7);
    const { output, ...request } = requestFor(kind, random);
    const reply = await this.#send({ method: "POST", ...request, key: randomUUID() }, first);
    if (reply === undefined) {
      this.unknown++;
      return;
    }
    const answer = reply.status === 202 ? read(kind, reply) : undefined;
    if (answer === undefined) {
      this.#wrong(kind, reply);
      return;
    }
    const accepted: Accepted = { ...answer, ...(output === undefined ? {} : { output }) };
    this.accepted.push(accepted);
    if (kind === "cancelled") await this.#cancel(accepted, random);
  }

  async #cancel(accepted: Accepted, random: Random): Promise<void> {
    await delay(random.between(0, 300));
    const path = `/api/jobs/${accepted.id}/cancel`;
    const reply = await this.#send({ method: "POST", path }, random.between(0, 7));
    if (reply?.status === 202) accepted.cancelledMs = Date.now();
    // 409: it had ended before.
    else if (reply !== undefined && reply.status !== 409) this.#wrong("cancelled", reply);
  }

  #send(request: Parameters<typeof sendUntilTaken>[1], first: number): Promise<Reply | undefined> {
    return sendUntilTaken(this.#options.addresses, request, { signal: this.#stopping.signal, first });
  }

  #wrong(kind: Kind, reply: Reply): void {
    this.wrongAnswers.push(`${kind}: ${reply.status} ${JSON.stringify(reply.body).slice(0, 300)}`);
  }
}

function pickKind(random: Random): Kind {
  let left = random.between(0, 99);
  for (const kind of kinds) {
    left -= shares[kind] ?? 0;
    if (left < 0) return kind;
  }
  return "nothing";
}

type KindRequest = { readonly path: string; readonly json: unknown } & Pick<Accepted, "output">;

function requestFor(kind: Kind, random: Random): KindRequest {
  const index = random.between(0, 1_000_000);
  const holdMs = random.between(5, 150);
  const job = (task: string, input: object, options: object = {}) => ({
    path: `/api/tasks/chaos.${task}/jobs`,
    json: { input, options },
  });
  switch (kind) {
    case "nothing":
      return { ...job("nothing", { index }, { priority: random.between(0, 9) }), output: index };
    case "pay": {
      const steps = random.between(1, 4);
      return { ...job("pay", { steps, holdMs }), output: steps };
    }
    case "flaky":
      return job("flaky", { failures: random.between(1, 2), holdMs });
    case "ask":
      return job("ask", { index });
    case "fail":
      return job("fail", {});
    case "delayed":
      return { ...job("nothing", { index }, { delay_ms: random.between(100, 3000) }), output: index };
    case "cancelled":
      return { ...job("pay", { steps: 20, holdMs: 100 }), output: 20 };
    case "chord": {
      const header = Array.from({ length: random.between(2, 6) }, () => ({
        task: "chaos.nothing",
        input: { index },
      }));
      return {
        path: "/api/workflows",
        json: { flow: { chord: { header, body: { task: "chaos.sum" } } } },
        output: header.length * index,
      };
    }
    case "document":
      return {
        path: "/api/documents",
        json: { text: `Document ${index} is about mills. `.repeat(random.between(3, 40)) },
      };
  }
}

function read(kind: Kind, { body }: Reply): Accepted | undefined {
  const acceptedMs = Date.now();
  if (kind === "document") {
    const parsed = withDocument.safeParse(body);
    if (!parsed.success) return undefined;
    return { kind, id: parsed.data.job.id, documentId: parsed.data.document.id, acceptedMs };
  }
  const parsed = withId.safeParse(body);
  return parsed.success ? { kind, id: parsed.data.id, acceptedMs } : undefined;
}
