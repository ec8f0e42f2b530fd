import { describe, it } from "vitest";
import { expectNothingLostInKillLoop } from "./kill-loop.ts";

const isNightly = process.env.MILLRACE_NIGHTLY === "1";

describe("kill -9 with documents in flight, embedded", () => {
  it(
    "loses no accepted document and repeats no recorded step",
    async () => {
      const scale = isNightly ? { kills: 60, documents: 120 } : { kills: 5, documents: 10 };
      await expectNothingLostInKillLoop({ ...scale, seed: 20_261_120, environment: {} });
    },
    isNightly ? 3_600_000 : 240_000,
  );
});
