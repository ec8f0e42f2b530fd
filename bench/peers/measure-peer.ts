import type { Answer } from "./commands.ts";
import { startPeer } from "./peer-process.ts";
import type { PeerProcess } from "./peer-process.ts";
import { settlePlace, withPlace } from "./place.ts";
import type { PeerName } from "./peer.ts";

/** How many a second that was. */
export function rateOf(count: number, { beganMs, endedMs }: Answer): number {
  return (count * 1000) / (endedMs - beganMs);
}

/** Gives `work` an empty queue, and the processes it starts with `start` are ended afterwards. */
export async function withPeer<Result>(
  peer: PeerName,
  work: (queue: {
    /** Another process. The embedded queue has one for all. */
    readonly start: () => Promise<PeerProcess>;
    /** Statistics and checkpoint, see `settlePlace`. */
    readonly settle: () => Promise<void>;
    readonly connection: string;
  }) => Promise<Result>,
): Promise<Result> {
  return await withPlace(peer, async (connection) => {
    const started: PeerProcess[] = [];
    const start = async (): Promise<PeerProcess> => {
      const only = peer === "millrace-embedded" ? started[0] : undefined;
      if (only !== undefined) return only;
      const child = await startPeer(peer, connection);
      started.push(child);
      return child;
    };
    try {
      return await work({ start, settle: () => settlePlace(peer, connection), connection });
    } finally {
      await Promise.all(started.map((child) => child.stop()));
    }
  });
}

/** The subjects in an order that turns with the run, so that none is always the first. */
export function turned<Subject>(subjects: readonly Subject[], run: number): Subject[] {
  const turn = run % subjects.length;
  return [...subjects.slice(turn), ...subjects.slice(0, turn)];
}
