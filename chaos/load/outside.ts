import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { z } from "zod";
import { startModelServer } from "./model-server.ts";
import type { AskedModel, ModelServer } from "./model-server.ts";

/** A call of a step, as the world outside saw it. Times are of this process's wall clock. */
export type OutsideCall = {
  readonly job: string;
  readonly key: string;
  readonly fence: number;
  readonly startedMs: number;
  endedMs: number | undefined;
};

export type OutsideAddresses = {
  /** Where steps call. */
  readonly callUrl: string;
  /** Of a server of chat models. */
  readonly chatUrl: string;
};

const bodySchema = z.object({ job: z.uuid(), key: z.string(), fence: z.number(), holdMs: z.number() });

/** The world outside: answers the calls of steps after a while, and forgets none. */
export class Outside {
  readonly calls: OutsideCall[] = [];
  #models: ModelServer | undefined;
  readonly #server = createServer((request, response) => {
    this.#answer(request, response).catch(() => response.destroy());
  });

  /** Calls of models by steps; those of documents are not among them. */
  get modelCalls(): AskedModel[] {
    return this.#models?.calls() ?? [];
  }

  async start(): Promise<OutsideAddresses> {
    this.#models = await startModelServer();
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    // A server that listens on a port has an address of this form.
    const { port } = this.#server.address() as AddressInfo;
    return { callUrl: `http://127.0.0.1:${port}`, chatUrl: this.#models.url };
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await Promise.all([closed, this.#models?.stop()]);
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
