import { startChild } from "../processes/child.ts";
import type { Answer, Command, Request } from "./commands.ts";
import { replySchema } from "./commands.ts";
import type { PeerName } from "./peer.ts";

/** A process that works with one queue. */
export type PeerProcess = {
  readonly processId: number;
  /** Has it done. Throws when that fails, takes longer than five minutes, or the process ends. */
  readonly ask: (command: Command) => Promise<Answer>;
  readonly stop: () => Promise<void>;
};

const askTimeoutMs = 300_000;

/** Starts a process for a queue, connected and with its tables made. */
export async function startPeer(peer: PeerName, connection: string): Promise<PeerProcess> {
  const child = await startChild({
    program: "bench/peers/peer-child.ts",
    programArguments: ["--peer", peer, "--connection", connection],
  });
  let lastId = 0;
  return {
    processId: child.process.pid ?? 0,
    ask: (command) =>
      new Promise((resolve, reject) => {
        const id = (lastId += 1);
        const finish = (settle: () => void): void => {
          clearTimeout(timer);
          child.process.off("message", onMessage).off("exit", onExit);
          settle();
        };
        const fail = (why: string): void => finish(() => reject(new Error(`${peer}, ${command.do}: ${why}`)));
        const onMessage = (message: unknown): void => {
          const reply = replySchema.parse(message);
          if (reply.id !== id) return;
          if ("error" in reply) fail(reply.error);
          else finish(() => resolve(reply.answer));
        };
        const onExit = (code: number | null): void => fail(`the process ended (${code ?? "killed"})`);
        const timer = setTimeout(() => fail(`nothing after ${askTimeoutMs / 1000} s`), askTimeoutMs);
        child.process.on("message", onMessage).on("exit", onExit);
        child.process.send({ id, command } satisfies Request);
      }),
    stop: async () => void (await child.stop()),
  };
}
