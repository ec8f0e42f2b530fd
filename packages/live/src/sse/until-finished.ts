import type { StoredEvent } from "@millrace/queue";
import type { LiveHub } from "../hub/live-hub.ts";

/**
 * Which event is the last one for somebody who follows until the end. A stream can hold the ends of
 * earlier runs: those don't count. Of work that has ended already, everything stored is given.
 */
export async function untilFinished(options: {
  readonly hub: Pick<LiveHub, "read">;
  readonly stream: string;
  readonly isFinished: () => Promise<boolean>;
  readonly isEnd: (event: StoredEvent) => boolean;
}): Promise<(event: StoredEvent) => boolean> {
  const { hub, stream, isFinished, isEnd } = options;
  const lastSeq = async (): Promise<number> => (await hub.read(stream, Number.MAX_SAFE_INTEGER, 1)).lastSeq;
  // In this order: an end that comes between the two reads has a higher number.
  const before = await lastSeq();
  if (!(await isFinished())) return (event) => event.seq > before && isEnd(event);
  const last = await lastSeq();
  return (event) => event.seq >= last;
}
