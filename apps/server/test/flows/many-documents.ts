import { documentStatsSchema } from "@millrace/contracts";
import { waitFor } from "@millrace/testing";
import { sql } from "kysely";
import type { Flow } from "./flow.ts";

/** Resolves when no document waits or is worked on. */
export async function allProcessed(flow: Flow, timeoutMs: number): Promise<void> {
  const look = async (): Promise<boolean> => {
    const { processing } = await flow.get("/api/documents/stats", documentStatsSchema);
    return processing === 0;
  };
  await waitFor(async () => ((await look()) ? true : undefined), {
    describe: "the end of all work on documents",
    timeoutMs,
    intervalMs: 250,
  });
}

/** While `work` goes on, jobs that failed are tried again at once, and not after a minute or more. */
export async function hurryRetries<Result>(flow: Flow, work: () => Promise<Result>): Promise<Result> {
  const queryable = flow.database?.database.queryable;
  if (queryable === undefined) throw new Error("Only jobs of a database that can be reached can be hurried.");
  const hurry = () =>
    sql`UPDATE job SET run_at = now() WHERE state = 'scheduled' AND reason = 'retry' AND run_at > now()`.execute(
      queryable,
    );
  const timer = setInterval(() => void hurry().catch(() => undefined), 500);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}

/** Work for each, twenty at a time, as an API process with few connections can serve them; results in order. */
export async function forEachInTurns<Item, Result>(
  items: readonly Item[],
  work: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let from = 0; from < items.length; from += 20) {
    const turn = items.slice(from, from + 20);
    results.push(...(await Promise.all(turn.map((item, index) => work(item, from + index)))));
  }
  return results;
}
