import { connect, createServer } from "node:net";
import type { Socket } from "node:net";

/** Stands between a server and its database. */
export type TcpProxy = {
  readonly port: number;
  /** Ends every connection and refuses new ones, as a server that restarts. */
  readonly cut: () => void;
  /** Keeps connections open and lets nothing through, as a network that loses every packet. */
  readonly swallow: () => void;
  readonly restore: () => void;
  readonly stop: () => Promise<void>;
};

export async function startTcpProxy(target: {
  readonly host: string;
  readonly port: number;
}): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let state: "open" | "cut" | "swallowing" = "open";
  const track = (socket: Socket): void => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => sockets.delete(socket));
  };
  const server = createServer((client) => {
    track(client);
    if (state === "cut") return client.destroy();
    const upstream = connect(target.port, target.host);
    track(upstream);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      from.on("data", (chunk) => {
        if (state !== "swallowing") to.write(chunk);
      });
      from.on("close", () => to.destroy());
    }
    return undefined;
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("The proxy has no port.");
  const destroyAll = (): void => sockets.forEach((socket) => socket.destroy());
  return {
    port: address.port,
    cut: () => {
      state = "cut";
      destroyAll();
    },
    swallow: () => {
      state = "swallowing";
    },
    restore: () => {
      // What was swallowed is lost, so these connections could never go on.
      if (state === "swallowing") destroyAll();
      state = "open";
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        destroyAll();
      }),
  };
}
