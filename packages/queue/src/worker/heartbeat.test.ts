import { setTimeout as delay } from "node:timers/promises";
import { silentLogger } from "@millrace/kernel";
import { afterEach, expect, it } from "vitest";
import { createLocalHeartbeat } from "./heartbeat.ts";
import type { Heartbeat } from "./heartbeat.ts";

let heartbeat: Heartbeat | undefined;
afterEach(() => heartbeat?.stop());

/** Its database never answers. */
async function startWith(
  isAlone: boolean,
): Promise<{ readonly heartbeat: Heartbeat; readonly lost: string[] }> {
  const lost: string[] = [];
  const queryable = { executeQuery: () => Promise.reject(new Error("nobody answers")) };
  const started = createLocalHeartbeat({
    // The rest of a database is for others.
    database: { queryable } as unknown as Parameters<typeof createLocalHeartbeat>[0]["database"],
    logger: silentLogger,
    times: { leaseMs: 200, beatMs: 40 },
    isAlone,
  });
  heartbeat = started;
  started.listen({ onLost: ({ id }) => void lost.push(id), onCancelRequested: () => undefined });
  await started.start();
  started.hold([{ id: "a", fence: 1 }], 0);
  return { heartbeat: started, lost };
}

it("gives up a job before another worker can take it", async () => {
  const { heartbeat: started, lost } = await startWith(false);

  await expect.poll(() => lost).toEqual(["a"]);

  await expect.poll(() => started.doesLand).toBe(false);
});

it("gives up nothing where nobody else can take it", async () => {
  const { heartbeat: started, lost } = await startWith(true);

  await delay(500);

  expect(lost).toEqual([]);
  expect(started.doesLand).toBe(true);
});
