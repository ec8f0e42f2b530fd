import { closeCodes, isSummaryOver, summaryRequestSchema } from "@millrace/contracts";
import type { CreateSummary, SummaryMessage } from "@millrace/contracts";
import { parseJson } from "@millrace/kernel";
import type { Access, BackgroundWork } from "@millrace/kernel";
import { AccessGuard, deliverEvents } from "@millrace/live";
import type { Connection, DeliveryEnd, LiveHub } from "@millrace/live";
import type { z } from "zod";
import { malformedRequest, summaryNotFound, tooManyFollowed } from "../errors.ts";
import type { NumberedSummary } from "../summaries.ts";
import { endsSummary, stateMessage, toSummaryMessage } from "./summary-message.ts";

export type SummarySocketPorts = {
  readonly hub: LiveHub;
  /** Takes a text in; gives the summary's id. What it throws is told to the client. */
  readonly accept: (access: Access, request: CreateSummary) => Promise<string>;
  /** Undefined when there is no such summary for this person. `seq` is read before or with the rest. */
  readonly readSnapshot: (access: Access, summaryId: string) => Promise<NumberedSummary | undefined>;
  /** Asked at most every 5 s, before something is pushed. */
  readonly mayWatch: (access: Access, summaryId: string) => Promise<boolean>;
};

/** Summaries that one client follows at once: each costs a place in the hub. */
const maxFollowed = 20;
/** Resets in a row without an event between them, after which following is given up. */
const maxResets = 3;

/** One client of `/ws/summary/`: it sends texts, and ids of summaries to follow, and is told how they go on. */
export class SummarySocket {
  readonly #connection: Connection;
  readonly #ports: SummarySocketPorts;
  readonly #background: BackgroundWork;
  readonly #since: number | undefined;
  readonly #followed = new Set<string>();

  /** `since`: what a client that comes back has seen last of the summary that it asks for. */
  constructor(
    connection: Connection,
    options: {
      readonly ports: SummarySocketPorts;
      readonly background: BackgroundWork;
      readonly since: number | undefined;
    },
  ) {
    this.#connection = connection;
    this.#ports = options.ports;
    this.#background = options.background;
    this.#since = options.since;
  }

  /** Takes one message of the client. Throws what it must be told. */
  async receive(text: string): Promise<void> {
    const request = parseRequest(text);
    if (request === undefined) return this.#connection.offend(malformedRequest());
    if (this.#followed.size >= maxFollowed) throw tooManyFollowed(maxFollowed);
    if ("text" in request) {
      const id = await this.#ports.accept(this.#connection.access, request);
      return this.#start(id, 0);
    }
    this.#start(request.id.toLowerCase(), request.since ?? this.#since);
  }

  /** Follows beside what else the client asks for. Who is followed already is asked anew, and told once. */
  #start(id: string, since: number | undefined): void {
    if (this.#followed.has(id)) return;
    this.#followed.add(id);
    this.#background.run("summaries.follow", async () => {
      try {
        await this.#follow(id, since);
      } catch (error) {
        this.#tellFailure(id, error);
      } finally {
        this.#followed.delete(id);
      }
    });
  }

  /** Tells what comes after `since` (default: how it stands, and what comes then) until the work has ended. */
  async #follow(id: string, since: number | undefined): Promise<void> {
    let current = await this.#read(id);
    let position = since;
    for (let resets = 0; resets <= maxResets; resets += 1) {
      const { seq, snapshot } = current;
      // Also when there is no event left to tell of its end: the result is there as long as the summary is.
      const isAllTold = isSummaryOver(snapshot.summary.state) && (position ?? seq) >= seq;
      if (position === undefined || isAllTold) this.#send(stateMessage(snapshot.summary, seq));
      if (isAllTold) return;
      const { end, hasEnded, hasTold } = await this.#deliver(current, position ?? seq);
      if (hasEnded || end.kind === "gone") return;
      if (end.kind === "refused") throw summaryNotFound(id);
      if (end.kind === "stopped") return this.#connection.close(closeCodes.restart, "restarting");
      if (hasTold) resets = 0;
      // This protocol has no word for expired history: the next message says how things stand.
      current = await this.#read(id);
      position = undefined;
    }
    this.#connection.close(1013, "try again in a moment");
  }

  async #deliver(
    { snapshot: { summary } }: NumberedSummary,
    since: number,
  ): Promise<{ readonly end: DeliveryEnd; readonly hasEnded: boolean; readonly hasTold: boolean }> {
    const { access, clock, limits, signal } = this.#connection;
    const guard = new AccessGuard({
      check: () => this.#ports.mayWatch(access, summary.id),
      everyMs: limits.recheckMs,
      clock,
    });
    let hasEnded = false;
    let hasTold = false;
    let last = "";
    const end = await deliverEvents({
      hub: this.#ports.hub,
      stream: `summary:${summary.id}`,
      since,
      signal,
      mayWatch: async () => (await this.#connection.isStillKnown()) && (await guard.isAllowed()),
      room: () => this.#connection.room(),
      send: (event) => {
        hasTold = true;
        hasEnded = endsSummary(event);
        const message = toSummaryMessage(summary, event);
        // Progress by per cent alone has nothing new to say here.
        if (message === undefined || (message.status === "processing" && message.message === last))
          return true;
        last = message.message;
        return this.#send(message) && !hasEnded;
      },
    });
    return { end, hasEnded, hasTold };
  }

  async #read(id: string): Promise<NumberedSummary> {
    const current = await this.#ports.readSnapshot(this.#connection.access, id);
    if (current === undefined) throw summaryNotFound(id);
    return current;
  }

  #send(message: SummaryMessage): boolean {
    return this.#connection.send(JSON.stringify(message));
  }

  #tellFailure(id: string, error: unknown): void {
    if (this.#connection.signal.aborted) return;
    const { code, message } = this.#connection.describe(error);
    this.#send({ status: "error", message, id, seq: null, error_code: code });
  }
}

function parseRequest(text: string): z.infer<typeof summaryRequestSchema> | undefined {
  try {
    return summaryRequestSchema.parse(parseJson(text));
  } catch {
    // What was wrong with it is the client's matter: it gets the list of what can be sent.
    return undefined;
  }
}
