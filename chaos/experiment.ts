import { setTimeout as delay } from "node:timers/promises";
import type { Fault } from "./faults/fault.ts";
import { leaseSeconds } from "./ground/ground.ts";
import type { Ground } from "./ground/ground.ts";
import type { HealthWatch, Sign } from "./health/health-watch.ts";
import { requestLimitMs, sendUntilTaken } from "./load/client.ts";
import type { Addresses } from "./load/client.ts";
import type { Random } from "./load/random.ts";

/** What became of one fault. Times are of this process's wall clock, in milliseconds. */
export type Outcome = {
  readonly fault: string;
  readonly what: string;
  readonly beganMs: number;
  /** When nothing was broken any more. */
  readonly healedMs: number;
  /** From the beginning until all who had to show it did so; undefined when nobody had to. */
  readonly shownMs: number | undefined;
  /** From its end to the end of the first job that was asked for afterwards. */
  readonly recoveryMs: number;
  /** From its end until every process was ready and said that nothing is wrong. */
  readonly wellMs: number;
  /** What was wrong last before that, in words. */
  readonly lastTroubles: readonly string[];
  /** Where the health of a process was not honest, in words. */
  readonly untold: readonly string[];
};

// What the product does unless told otherwise.
const reapSeconds = 10;
const pollSeconds = 2;
/** By when work goes on again: a lease runs out, somebody looks for such leases, and then for work. */
export const recoveryFormulaMs = (leaseSeconds + reapSeconds + pollSeconds) * 1000;
/** A client may lose one request to a process that has not noticed yet, and asks another then. */
export const recoveryLimitMs = recoveryFormulaMs + requestLimitMs;
/** The slowest to notice is RabbitMQ's connection, when the network swallows everything: 15 s. */
const shownLimitMs = 30_000;
/** A queue that RabbitMQ did not give is tried again after a minute. */
const wellLimitMs = 90_000;

/** The API processes that somebody who balances load would send to: not those that are down or stand still. */
export function addressesOf({ seats }: Ground): Addresses {
  const members = seats.map(({ member }) => member).filter(({ role }) => role === "api");
  return () => members.filter(({ isUp }) => isUp).map(({ url }) => url);
}

/**
 * Breaks something for a while, and until it was noticed; mends it, and measures how long it takes until the first
 * new job ends and all is well.
 */
export async function suffer(
  { ground, health }: { readonly ground: Ground; readonly health: HealthWatch },
  fault: Fault,
  { random, maxHoldMs = Infinity }: { readonly random: Random; readonly maxHoldMs?: number },
): Promise<Outcome> {
  const { name, what } = fault;
  const beganMs = Date.now();
  const { heal, signs } = await fault.inject(ground, random);
  const holdMs = Math.min(fault.holdMs, maxHoldMs);
  let missing: readonly Sign[] = [];
  let shownMs: number | undefined;
  const show = async (): Promise<void> => {
    missing = await health.untilShown(signs, beganMs, holdMs + shownLimitMs);
    if (signs.length > 0) shownMs = Date.now() - beganMs;
  };
  try {
    await Promise.all([delay(holdMs), show()]);
  } finally {
    await heal();
  }
  const healedMs = Date.now();
  const [recoveryMs, { isWell, last, wellMs }] = await Promise.all([
    runOneJob(ground, fault).then(() => Date.now() - healedMs),
    health.untilWell(healedMs, wellLimitMs).then((found) => ({ ...found, wellMs: Date.now() - healedMs })),
  ]);
  const untold = [
    ...missing.map(({ member, shows }) => `${member.name} did not show: ${shows}`),
    ...(isWell ? [] : last.map((words) => `${wellLimitMs / 1000} s later: ${words}`)),
  ];
  return { fault: name, what, beganMs, healedMs, shownMs, recoveryMs, wellMs, lastTroubles: last, untold };
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
