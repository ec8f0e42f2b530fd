import { closeCodes } from "@millrace/contracts";
import type { DocumentSnapshot } from "@millrace/contracts";
import { parseJson } from "@millrace/kernel";
import type { Access } from "@millrace/kernel";
import { AccessGuard, deliverEvents } from "@millrace/live";
import type { Connection, LiveHub } from "@millrace/live";
import { z } from "zod";
import { stateBeforeReplay, stateOfSnapshot, statusMessage, toArticleMessage } from "./article-message.ts";
import type { ArticleState } from "./article-message.ts";
import { documentNotFound, malformedRequest } from "./errors.ts";

/** How a document stands, and the number of the last event that is part of it. */
export type NumberedSnapshot = { readonly seq: number; readonly snapshot: DocumentSnapshot };

export type DocumentSocketPorts = {
  readonly hub: LiveHub;
  /** Undefined when there is no such document for this person. `seq` is read before or with the rest. */
  readonly readSnapshot: (access: Access, documentId: string) => Promise<NumberedSnapshot | undefined>;
  /** Asks for the end of processing. What it throws is told to the client. */
  readonly cancel: (access: Access, documentId: string) => Promise<void>;
  /** Asked at most every 5 s, before something is pushed. */
  readonly mayWatch: (access: Access, documentId: string) => Promise<boolean>;
};

/** Resets in a row without an event between them, after which following is given up. */
const maxResets = 3;

/** Progress comes every few events: within so many there is one, or the work has only begun. */
const eventsBeforeReplay = 50;

const requestSchema = z.object({ type: z.enum(["get_status", "cancel_processing"]) });

/** One client of `/ws/documents/<id>/`. */
export class DocumentSocket {
  readonly #connection: Connection;
  readonly #ports: DocumentSocketPorts;
  readonly #documentId: string;
  readonly #guard: AccessGuard;

  constructor(connection: Connection, ports: DocumentSocketPorts, documentId: string) {
    this.#connection = connection;
    this.#ports = ports;
    this.#documentId = documentId;
    this.#guard = new AccessGuard({
      check: () => ports.mayWatch(connection.access, documentId),
      everyMs: connection.limits.recheckMs,
      clock: connection.clock,
    });
  }

  /** Sends how the document stands. Throws `not_found`. */
  async sendStatus(): Promise<NumberedSnapshot> {
    const current = await this.#ports.readSnapshot(this.#connection.access, this.#documentId);
    if (current === undefined) throw documentNotFound();
    this.#connection.send(JSON.stringify(statusMessage(current.snapshot, current.seq)));
    return current;
  }

  /** Sends what comes after `since` (default: after the status sent first) until the socket closes. */
  async follow(first: NumberedSnapshot, since: number | undefined): Promise<void> {
    let current = first;
    let position = since ?? first.seq;
    for (let resets = 0; resets <= maxResets; resets += 1) {
      let state: ArticleState =
        position < current.seq ? await this.#stateAt(position) : stateOfSnapshot(current.snapshot);
      const end = await deliverEvents({
        hub: this.#ports.hub,
        stream: `document:${this.#documentId}`,
        since: position,
        signal: this.#connection.signal,
        mayWatch: async () => (await this.#connection.isStillKnown()) && (await this.#guard.isAllowed()),
        room: () => this.#connection.room(),
        send: (event) => {
          resets = 0;
          const told = toArticleMessage(state, event);
          state = told.state;
          return this.#connection.send(JSON.stringify(told.message));
        },
      });
      if (end.kind === "gone") return;
      if (end.kind === "refused") throw documentNotFound();
      if (end.kind === "stopped") return this.#connection.close(closeCodes.restart, "restarting");
      // This protocol has no word for expired history: the status says where things stand.
      current = await this.sendStatus();
      position = current.seq;
    }
    this.#connection.close(1013, "try again in a moment");
  }

  /** What the client had been told by `position`, as far as the events just before it say. */
  async #stateAt(position: number): Promise<ArticleState> {
    const beginning = stateBeforeReplay(this.#documentId);
    if (position === 0) return beginning;
    const after = Math.max(0, position - eventsBeforeReplay);
    const { events } = await this.#ports.hub.read(`document:${this.#documentId}`, after, eventsBeforeReplay);
    return events
      .filter(({ seq }) => seq <= position)
      .reduce((state, event) => toArticleMessage(state, event).state, beginning);
  }

  /** Takes one message of the client. Throws what it must be told. */
  async receive(text: string): Promise<void> {
    switch (parseRequest(text)) {
      case "get_status":
        await this.sendStatus();
        return;
      case "cancel_processing":
        await this.#ports.cancel(this.#connection.access, this.#documentId);
        return;
      case undefined:
        this.#connection.offend(malformedRequest());
    }
  }
}

function parseRequest(text: string) {
  try {
    return requestSchema.parse(parseJson(text)).type;
  } catch {
    // What was wrong with it is the client's matter: it gets the list of what can be sent.
    return undefined;
  }
}
