import { createServer } from "node:http";
import type { RequestListener } from "node:http";
import type { AddressInfo, Socket } from "node:net";

export type TestServer = {
  readonly port: number;
  /** Connections since it was started. */
  readonly connections: () => number;
  readonly close: () => Promise<void>;
};

/** A server on a loopback address, at a port that the system chooses or that is given. */
export async function startServer(
  answer: RequestListener,
  { host = "127.0.0.1", port = 0 }: { readonly host?: string; readonly port?: number } = {},
): Promise<TestServer> {
  let count = 0;
  const open = new Set<Socket>();
  const server = createServer(answer);
  server.on("connection", (socket) => {
    count++;
    open.add(socket);
    socket.once("close", () => open.delete(socket));
    // Who is tested ends connections at any time.
    socket.on("error", () => undefined);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => count,
    close: async () => {
      for (const socket of open) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
