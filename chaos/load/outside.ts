import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { z } from "zod";

/** A call of a step, as the world outside saw it. Times are of this process's wall clock. */
export type OutsideCall = {
  readonly job: string;
  readonly key: string;
  readonly fence: number;
  readonly startedMs: number;
  endedMs: number | undefined;
};

const bodySchema = z.object({ job: z.uuid(), key: z.string(), fence: z.number(), holdMs: z.number() });

/** The world outside: answers the calls of steps after a while, and forgets none. */
export class Outside {
  readonly calls: OutsideCall[] = [];
  readonly #server = createServer((request, response) => {
    this.#answer(request, response).catch(() => response.destroy());
  });

  async start(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    // A server that listens on a port has an address of this form.
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { holdMs, ...facts } = bodySchema.parse(JSON.parse(await text(request)));
    const call: OutsideCall = { ...facts, startedMs: Date.now(), endedMs: undefined };
    this.calls.push(call);
    const ended = Promise.withResolvers<void>();
    // Also when the caller dies: the system closes its connections at once.
    response.once("close", ended.resolve);
    const timer = setTimeout(ended.resolve, holdMs);
    await ended.promise;
    clearTimeout(timer);
    call.endedMs = Date.now();
    response.end("{}");
  }
}
