/** Between a broker and the server, a network that can lose every packet, or its other end. */
import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";

export type Proxy = {
  readonly url: string;
  /** Lets nothing through the connections that there are, not even their end. New ones work. */
  readonly swallow: () => void;
  /** Ends all connections, and refuses new ones. */
  readonly cut: () => void;
  readonly restore: () => void;
  /** Has the server run a command on the newest connection, and keeps its answer from the client. */
  readonly inject: (command: string) => void;
  /** How many connections were refused. */
  readonly refused: () => number;
  readonly stop: () => Promise<void>;
};

export async function startProxy(targetUrl: string): Promise<Proxy> {
  const target = new URL(targetUrl);
  const sockets = new Set<Socket>();
  let newest: Socket | undefined;
  let isAnswerKept = false;
  let isCut = false;
  let refused = 0;
  const carry = (from: Socket, to: Socket, isKept: (chunk: Buffer) => boolean): void => {
    sockets.add(from);
    from.on("error", () => from.destroy());
    from.on("data", (chunk) => void (isKept(chunk) || to.write(chunk)));
    from.on("close", () => {
      sockets.delete(from);
      to.destroy();
    });
  };
  const server = createServer((client) => {
    if (isCut) {
      refused++;
      client.destroy();
      return;
    }
    const upstream = connect(Number(target.port), target.hostname);
    newest = upstream;
    carry(client, upstream, () => false);
    carry(upstream, client, (chunk) => {
      // A command is answered with "complete", a query with its columns first.
      const isKept = isAnswerKept && chunk[0] === "C".charCodeAt(0);
      if (isKept) isAnswerKept = false;
      return isKept;
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = new URL(targetUrl);
  // A server that listens on a port has an address of this form.
  url.port = String((server.address() as AddressInfo).port);
  const destroyAll = (): void => sockets.forEach((socket) => socket.destroy());
  return {
    url: url.href,
    // What is not read is neither passed on nor known to have ended.
    swallow: () => sockets.forEach((socket) => socket.pause()),
    cut: () => {
      isCut = true;
      destroyAll();
    },
    restore: () => {
      isCut = false;
    },
    inject: (command) => {
      isAnswerKept = true;
      newest?.write(simpleQuery(command));
    },
    refused: () => refused,
    stop: async () => {
      destroyAll();
      const closed = once(server, "close");
      server.close();
      await closed;
    },
  };
}

/** As the protocol has it: a letter, the length of the rest with itself, the text, a zero. */
function simpleQuery(text: string): Buffer {
  const message = Buffer.alloc(text.length + 6);
  message.write("Q", 0);
  message.writeInt32BE(text.length + 5, 1);
  message.write(text, 5);
  return message;
}
