import { setTimeout as delay } from "node:timers/promises";
import type { Fault } from "./faults/fault.ts";
import type { Ground } from "./ground/ground.ts";
import { sendUntilTaken } from "./load/client.ts";
import type { Addresses } from "./load/client.ts";
import type { Random } from "./load/random.ts";

/** What became of one fault. Times are of this process's wall clock, in milliseconds. */
export type Outcome = {
  readonly fault: string;
  readonly what: string;
  readonly beganMs: number;
  /** When nothing was broken any more. */
  readonly healedMs: number;
  /** From then to the end of the first job that was asked for afterwards. */
  readonly recoveryMs: number;
};

/** No job after a fault may take longer than a lease, its reaping and a poll. */
export const recoveryLimitMs = 45_000;

/** The API processes that somebody who balances load would send to: not those that are down or stand still. */
export function addressesOf({ seats }: Ground): Addresses {
  const members = seats.map(({ member }) => member).filter(({ role }) => role === "api");
  return () => members.filter(({ isUp }) => isUp).map(({ url }) => url);
}

/** Breaks something for a while, mends it, and measures how long it takes until the first new job ends. */
export async function suffer(
  ground: Ground,
  fault: Fault,
  { random, maxHoldMs = Infinity }: { readonly random: Random; readonly maxHoldMs?: number },
): Promise<Outcome> {
  const beganMs = Date.now();
  const heal = await fault.inject(ground, random);
  try {
    await delay(Math.min(fault.holdMs, maxHoldMs));
  } finally {
    await heal();
  }
  const healedMs = Date.now();
  await runOneJob(ground, fault);
  const { name, what } = fault;
  return { fault: name, what, beganMs, healedMs, recoveryMs: Date.now() - healedMs };
}

/** Asks for a job until one has ended. Throws when none has in time. */
async function runOneJob(ground: Ground, fault: Fault): Promise<void> {
  const signal = AbortSignal.timeout(recoveryLimitMs);
  const key = crypto.randomUUID();
  for (let first = 0; !signal.aborted; first++) {
    const reply = await sendUntilTaken(
      addressesOf(ground),
      {
        method: "POST",
        path: "/api/tasks/chaos.nothing/jobs",
        json: { input: { index: 0 }, options: { priority: 9 } },
        key,
      },
      { signal, first, prefer: "wait=5" },
    );
    if (reply?.status === 200) return;
  }
  throw new Error(`No job ended within ${recoveryLimitMs / 1000} s after: ${fault.what}`);
}
