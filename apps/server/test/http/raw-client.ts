import { connect } from "node:net";
import type { Socket } from "node:net";

/** One TCP connection whose bytes the test controls. */
export type RawClient = {
  readonly socket: Socket;
  readonly send: (text: string | Uint8Array) => void;
  /** Resolves with everything received so far as soon as it matches. Rejects when the server closes before. */
  readonly received: (pattern: RegExp) => Promise<string>;
  /** Resolves with everything received when the server has closed the connection. */
  readonly closed: () => Promise<string>;
};

export async function openRawClient(port: number): Promise<RawClient> {
  const socket = connect({ host: "127.0.0.1", port });
  let text = "";
  let isClosed = false;
  const waiting = new Set<() => void>();
  const notify = (): void => {
    for (const check of waiting) check();
  };
  socket.on("data", (chunk) => {
    text += chunk.toString("latin1");
    notify();
  });
  socket.on("close", () => {
    isClosed = true;
    notify();
  });
  // A reset is one of the ways to close; the tests look at what was received before it.
  socket.on("error", () => undefined);
  await new Promise<void>((resolve) => {
    socket.once("connect", resolve);
  });

  const until = (isDone: () => boolean): Promise<string> =>
    new Promise((resolve, reject) => {
      const check = (): void => {
        if (isDone()) resolve(text);
        else if (isClosed) reject(new Error(`The server closed the connection after: ${text}`));
        else return;
        waiting.delete(check);
      };
      waiting.add(check);
      check();
    });

  return {
    socket,
    send: (part) => void socket.write(part),
    received: (pattern) => until(() => pattern.test(text)),
    closed: () => until(() => isClosed),
  };
}
