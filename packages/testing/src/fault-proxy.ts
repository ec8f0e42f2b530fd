import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { FaultFlow } from "./fault-flow.ts";
import type { Fault } from "./fault-flow.ts";

export type Direction = "to_server" | "to_client";

export type FaultOptions = {
  /** Default: both. */
  readonly direction?: Direction;
  /** `existing`: only the connections that there are; new ones keep what they had. Default `all`. */
  readonly scope?: "all" | "existing";
};

/** Stands between a client and a server and breaks the network between them, on request and at once. */
export type FaultProxy = {
  readonly port: number;
  /** Any URL with the proxy's host and port in place of the server's. */
  readonly through: (url: string) => string;
  /** What happens to all bytes from now on. See `Fault`. */
  readonly set: (fault: Fault, options?: FaultOptions) => void;
  /** Ends every connection with a reset (RST) on both sides. New ones work. */
  readonly reset: () => void;
  /** Receivers of this direction see the end of the stream; the other direction goes on. */
  readonly halfClose: (direction: Direction) => void;
  /** Resets every connection, and each new one as soon as it is made, until `restore`. */
  readonly refuse: () => void;
  /** Ends every fault: connections pass, new ones are taken. */
  readonly restore: () => void;
  /** Adds bytes to the newest connection, as if its other end had sent them. */
  readonly inject: (direction: Direction, bytes: Buffer) => void;
  /** How many connections are open, and how many were refused since the start. */
  readonly counts: () => { readonly open: number; readonly refused: number };
  /** Ends every connection and the listener. Twice is fine. */
  readonly stop: () => Promise<void>;
};

type Address = { readonly host: string; readonly port: number };
type ProxyFilter = (chunk: Buffer, direction: Direction) => Buffer | undefined;

export type FaultProxyOptions = {
  /** Where the server is: only host and port matter. */
  readonly target: string | Address;
  /** Default: any free port of 127.0.0.1. */
  readonly port?: number;
  /** Sees each chunk before the faults do, and may change it, or drop it by giving nothing. */
  readonly filter?: ProxyFilter;
};

type Connection = {
  readonly client: Socket;
  readonly upstream: Socket;
  readonly flows: Readonly<Record<Direction, FaultFlow>>;
};

const directions: readonly Direction[] = ["to_server", "to_client"];

/** Starts a proxy that passes everything. */
export async function startFaultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  const target = hostAndPort(options.target);
  const filter = options.filter ?? ((chunk: Buffer) => chunk);
  const connections = new Set<Connection>();
  const faults: Record<Direction, Fault> = { to_server: { kind: "pass" }, to_client: { kind: "pass" } };
  let newest: Connection | undefined;
  let isRefusing = false;
  let refused = 0;

  const open = (client: Socket): void => {
    // An error is always followed by a close, which the flows carry on.
    client.on("error", () => undefined);
    if (isRefusing) {
      refused++;
      client.resetAndDestroy();
      return;
    }
    const connection = join(client, target, filter);
    for (const direction of directions) connection.flows[direction].set(faults[direction]);
    const forget = (): void => {
      if (client.destroyed && connection.upstream.destroyed) connections.delete(connection);
    };
    client.on("close", forget);
    connection.upstream.on("close", forget);
    connections.add(connection);
    newest = connection;
  };
  const server = createServer({ allowHalfOpen: true, noDelay: true }, open);
  server.listen(options.port ?? 0, "127.0.0.1");
  await once(server, "listening");
  // A server that listens on a port has an address of this form.
  const { port } = server.address() as AddressInfo;

  const reset = (): void => {
    for (const { client, upstream } of connections) {
      client.resetAndDestroy();
      upstream.resetAndDestroy();
    }
  };
  const set = (fault: Fault, { direction, scope = "all" }: FaultOptions = {}): void => {
    for (const each of direction === undefined ? directions : [direction]) {
      if (scope === "all") faults[each] = fault;
      for (const { flows } of connections) flows[each].set(fault);
    }
  };
  let stopping: Promise<void> | undefined;
  return {
    port,
    through: (url) => {
      const proxied = new URL(url);
      proxied.host = `127.0.0.1:${port}`;
      return proxied.href;
    },
    set,
    reset,
    halfClose: (direction) => connections.forEach(({ flows }) => flows[direction].halfClose()),
    refuse: () => {
      isRefusing = true;
      reset();
    },
    restore: () => {
      isRefusing = false;
      set({ kind: "pass" });
    },
    inject: (direction, bytes) => {
      if (newest === undefined || !connections.has(newest)) throw new Error("The proxy has no connection.");
      newest.flows[direction].inject(bytes);
    },
    counts: () => ({ open: connections.size, refused }),
    stop: () => {
      stopping ??= new Promise((resolve) => {
        server.close(() => resolve());
        isRefusing = true;
        reset();
      });
      return stopping;
    },
  };
}

function join(client: Socket, target: Address, filter: ProxyFilter): Connection {
  const upstream = connect({ ...target, allowHalfOpen: true, noDelay: true });
  upstream.on("error", () => undefined);
  const flows = {
    to_server: new FaultFlow(client, upstream, (chunk) => filter(chunk, "to_server")),
    to_client: new FaultFlow(upstream, client, (chunk) => filter(chunk, "to_client")),
  };
  return { client, upstream, flows };
}

function hostAndPort(target: FaultProxyOptions["target"]): Address {
  if (typeof target !== "string") return target;
  const { hostname, port } = new URL(target);
  if (port === "") throw new Error(`The proxy needs a port in ${target}.`);
  return { host: hostname, port: Number(port) };
}
