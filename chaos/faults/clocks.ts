import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { hostClockLibrary } from "../ground/clock-library.ts";
import { servicesDirectory } from "../../scripts/services/state.ts";
import { leaseSeconds } from "../ground/ground.ts";
import type { Fault } from "./fault.ts";
import { pickSeat } from "./fault.ts";

// Longer than a lease; what is due in the future after a jump back must still come within a run.
const databaseJumpSeconds = 3 * leaseSeconds;
const stepMs = 3000;

/** What happens to clocks. */
export const clockFaults: readonly Fault[] = [
  {
    name: "database-clock-jumped",
    what: `PostgreSQL comes back with its clock ${databaseJumpSeconds} s ahead, then with the right one`,
    holdMs: stepMs,
    inject: async ({ postgres }) => {
      await postgres.stop();
      await postgres.startWithClock(databaseJumpSeconds);
      const heal = async (): Promise<void> => {
        await postgres.stop();
        await postgres.start();
      };
      return { heal, signs: [] };
    },
  },
  {
    name: "worker-clock-jumped",
    what: "the clock of a running worker jumps an hour ahead, then two back, then it is right again",
    holdMs: stepMs,
    inject: async (ground, random) => {
      const { member } = pickSeat(ground, "worker", random);
      const clock = join(ground.place.dataDirectory, `clock-${member.name}`);
      await writeFile(clock, "+0s");
      await member.stop();
      await member.start({
        LD_PRELOAD: await hostClockLibrary(servicesDirectory()),
        FAKETIME_TIMESTAMP_FILE: clock,
        FAKETIME_CACHE_DURATION: "1",
        DONT_FAKE_MONOTONIC: "1",
      });
      await writeFile(clock, "+1h");
      await delay(stepMs);
      await writeFile(clock, "-1h");
      const heal = async (): Promise<void> => {
        await writeFile(clock, "+0s");
        await delay(stepMs);
        await member.stop();
        await member.start();
      };
      return { heal, signs: [] };
    },
  },
];
