import { once } from "node:events";

/** A text that came over a WebSocket, and when (milliseconds of `performance.now`). */
export type Arrival = { readonly text: string; readonly atMs: number };

const waitMs = 20_000;

/** A WebSocket that notes the time of each arrival before anything is parsed. */
export class TimedSocket {
  readonly #socket: WebSocket;
  readonly #listeners = new Set<(arrival: Arrival) => void>();

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => {
      const arrival = { text: String(data), atMs: performance.now() };
      for (const listener of this.#listeners) listener(arrival);
    });
  }

  /** Opens it. A listener given here misses nothing that the server says at once. */
  static async open(
    url: string,
    protocol?: string,
    listener?: (arrival: Arrival) => void,
  ): Promise<TimedSocket> {
    const socket = new WebSocket(url, protocol === undefined ? [] : [protocol]);
    const timed = new TimedSocket(socket);
    if (listener !== undefined) timed.#listeners.add(listener);
    await once(socket, "open", { signal: AbortSignal.timeout(waitMs) });
    return timed;
  }

  send(text: string): void {
    this.#socket.send(text);
  }

  /** Calls back for every arrival until the returned function is called. */
  listen(listener: (arrival: Arrival) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** The next arrival that fits. Rejects after 20 s. */
  async next(fits: (arrival: Arrival) => boolean): Promise<Arrival> {
    return await new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        stop();
        reject(new Error(`Nothing fitting came over the socket within ${waitMs} ms.`));
      }, waitMs);
      const stop = this.listen((arrival) => {
        if (!fits(arrival)) return;
        clearTimeout(timer);
        stop();
        resolve(arrival);
      });
    });
  }

  close(): void {
    this.#socket.close();
  }
}
