import { setTimeout as delay } from "node:timers/promises";
import { accepts } from "../../scripts/services/start.ts";
import { findOwnProcesses, signalProcess } from "./own-processes.ts";

/** A server of our own, in the private Debian root, that may be killed. */
export type Server = {
  readonly name: string;
  readonly url: string;
  readonly port: number;
  /** Resolves when it answers. What it had stored is there again. */
  readonly start: () => Promise<void>;
  /** As an administrator stops it: in order. */
  readonly stop: () => Promise<void>;
  /** Without a word, it and all its children. */
  readonly kill9: () => Promise<void>;
  readonly signal: (signal: "SIGSTOP" | "SIGCONT") => Promise<void>;
};

const stopLimitMs = 30_000;

/** The ways to end a server whose processes bear a mark of their own. */
export function endings(
  mark: string,
  port: number,
  stopSignal: NodeJS.Signals,
): Pick<Server, "stop" | "kill9" | "signal"> {
  const signalAll = async (signal: NodeJS.Signals): Promise<void> => {
    for (const { id } of await findOwnProcesses(mark)) signalProcess(id, signal);
  };
  const isUp = async (): Promise<boolean> => (await findOwnProcesses(mark)).length > 0;
  const kill9 = async (): Promise<void> => {
    while (await isUp()) {
      await signalAll("SIGKILL");
      await delay(20);
    }
    while (await accepts(port)) await delay(20);
  };
  return {
    kill9,
    signal: signalAll,
    stop: async () => {
      const running = await findOwnProcesses(mark);
      const ids = new Set(running.map(({ id }) => id));
      for (const { id, parentId } of running) if (!ids.has(parentId)) signalProcess(id, stopSignal);
      const deadline = performance.now() + stopLimitMs;
      while (performance.now() < deadline && (await isUp())) await delay(50);
      await kill9();
    },
  };
}
