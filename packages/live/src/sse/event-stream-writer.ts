import type { FastifyReply } from "fastify";

export type EventStreamLimits = {
  /** Time between heartbeat comments, in ms. Default 15000: proxies cut quiet lines after 30 to 60 s. */
  readonly heartbeatMs: number;
  /** How long a client may take nothing before it is cut off, in ms. Default 10000. */
  readonly slowClientMs: number;
  /** How old an answer on who may watch can get before the next event, in ms. Default 5000. */
  readonly recheckMs: number;
};

/** The response side of an event stream: headers, heartbeat, back-pressure, clean end. */
export class EventStreamWriter {
  /** Aborts when the client has left or the response has ended. */
  readonly signal: AbortSignal;
  readonly #raw: FastifyReply["raw"];
  readonly #slowClientMs: number;
  readonly #closing = new AbortController();
  readonly #heartbeat: NodeJS.Timeout;

  constructor(reply: FastifyReply, limits: Partial<EventStreamLimits>) {
    this.#slowClientMs = limits.slowClientMs ?? 10_000;
    this.signal = this.#closing.signal;
    const headers = reply.getHeaders();
    reply.hijack();
    this.#raw = reply.raw;
    this.#raw.on("close", () => this.#close());
    // A line that breaks while we write is a client that left; `close` follows.
    this.#raw.on("error", () => this.#close());
    this.#raw.writeHead(200, {
      ...withoutUndefined(headers),
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-cache, no-transform",
      // Asks nginx and its like not to hold the stream back.
      "x-accel-buffering": "no",
    });
    this.#raw.write("retry: 2000\n\n");
    this.#heartbeat = setInterval(() => {
      if (!this.#raw.writableNeedDrain) this.#raw.write(": heartbeat\n\n");
    }, limits.heartbeatMs ?? 15_000);
    this.#heartbeat.unref();
    // A client that left while the stream was being opened was told of before anybody listened.
    if (this.#raw.destroyed) this.#close();
  }

  /** Writes one event. Wait for `room` first. */
  write(event: { readonly id?: number; readonly type: string; readonly text: string }): void {
    if (this.signal.aborted) return;
    // JSON text has no line breaks, and types are names: neither can break out of its line.
    const id = event.id === undefined ? "" : `id: ${event.id}\n`;
    this.#raw.write(`${id}event: ${event.type}\ndata: ${event.text}\n\n`);
  }

  /** Waits until the client has taken what was written; false when it is gone or was too slow. */
  async room(): Promise<boolean> {
    if (!this.signal.aborted && this.#raw.writableNeedDrain) await this.#drained();
    return !this.signal.aborted;
  }

  end(): void {
    if (!this.signal.aborted) this.#raw.end();
    this.#close();
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      const settle = () => {
        clearTimeout(timer);
        this.#raw.off("drain", settle);
        this.signal.removeEventListener("abort", settle);
        resolve();
      };
      const timer = setTimeout(() => {
        // If this process itself stood still, what the client took meanwhile is only told now.
        setImmediate(() => {
          if (!this.#raw.writableNeedDrain) return;
          this.#raw.destroy();
          this.#close();
        });
      }, this.#slowClientMs);
      timer.unref();
      this.#raw.on("drain", settle);
      this.signal.addEventListener("abort", settle, { once: true });
    });
  }

  #close(): void {
    clearInterval(this.#heartbeat);
    this.#closing.abort();
  }
}

function withoutUndefined(headers: ReturnType<FastifyReply["getHeaders"]>) {
  const kept: Record<string, number | string | string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) kept[name] = value;
  }
  return kept;
}
