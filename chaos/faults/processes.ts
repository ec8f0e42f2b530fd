import { leaseSeconds } from "../ground/ground.ts";
import type { Role } from "../ground/product.ts";
import type { Fault } from "./fault.ts";
import { momentary, pickSeat, signsAt } from "./fault.ts";

const frozenMs = (leaseSeconds + 3) * 1000;

/** What happens to processes of the product. */
export const processFaults: readonly Fault[] = [
  kill9("worker"),
  kill9("api"),
  {
    name: "worker-frozen",
    what: "SIGSTOP of a worker for longer than its lease, then SIGCONT",
    holdMs: frozenMs,
    inject: freeze("worker"),
  },
  {
    name: "api-frozen",
    what: "SIGSTOP of an API process, then SIGCONT",
    holdMs: 4000,
    inject: freeze("api"),
  },
  {
    name: "rolling-restart",
    what: "every process stopped by SIGTERM and started again, one after the other",
    holdMs: 0,
    inject: async ({ seats }) => {
      for (const { member } of seats) {
        await member.stop();
        await member.start();
      }
      return momentary;
    },
  },
];

function kill9(role: Role): Fault {
  return {
    name: `${role}-killed`,
    what: `kill -9 of ${role === "api" ? "an API process" : "a worker"}, started again two seconds later`,
    holdMs: 2000,
    inject: async (ground, random) => {
      const seat = pickSeat(ground, role, random);
      await seat.member.kill9();
      return { heal: () => seat.member.start(), signs: signsAt([seat], "no answer") };
    },
  };
}

function freeze(role: Role): Fault["inject"] {
  return async (ground, random) => {
    const seat = pickSeat(ground, role, random);
    seat.member.freeze();
    const heal = (): Promise<void> => {
      seat.member.thaw();
      return Promise.resolve();
    };
    return { heal, signs: signsAt([seat], "no answer") };
  };
}
