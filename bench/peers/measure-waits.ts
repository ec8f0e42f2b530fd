import { sleep } from "@millrace/kernel";
import { withPeer } from "./measure-peer.ts";
import type { PeerName } from "./peer.ts";

const warmUpJobs = 20;
/** Long enough that the queue has come to rest again, and that a hint does not wait for the one before. */
export const pauseMs = 100;

/** Milliseconds from before the addition to the start of the handler, of jobs that come to an idle queue. */
export async function measureWaits(
  peer: PeerName,
  { jobs, processes }: { readonly jobs: number; readonly processes: 1 | 2 },
): Promise<number[]> {
  return await withPeer(peer, async ({ start, settle }) => {
    const producer = await start();
    const worker = processes === 1 ? producer : await start();
    await worker.ask({ do: "start_worker", jobMs: 0 });
    await producer.ask({ do: "add_spaced", count: warmUpJobs, pauseMs });
    await worker.ask({ do: "wait_until_recorded", count: warmUpJobs });
    await settle();
    await sleep(pauseMs);
    const added = await producer.ask({ do: "add_spaced", count: jobs, pauseMs });
    await worker.ask({ do: "wait_until_recorded", count: warmUpJobs + jobs });
    const starts = (await worker.ask({ do: "report_starts" })).timesMs.slice(warmUpJobs);
    return added.timesMs.map((addedMs, index) => (starts[index] ?? Number.NaN) - addedMs);
  });
}
