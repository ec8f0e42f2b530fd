import { testDatabases } from "@millrace/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TestDatabase } from "@millrace/testing";
import { expectNothingLostInKillLoop } from "./kill-loop.ts";

const isNightly = process.env.MILLRACE_NIGHTLY === "1";
const postgres = testDatabases().find((kind) => kind.name === "postgres");
let database: TestDatabase | undefined;

beforeAll(async () => {
  database = await postgres?.open();
});
afterAll(async () => database?.close());

describe("kill -9 with documents in flight, PostgreSQL", () => {
  it(
    "loses no accepted document and repeats no recorded step",
    async () => {
      expect(database?.url).toBeDefined();
      const scale = isNightly ? { kills: 30, documents: 60 } : { kills: 3, documents: 6 };
      // A lease that ends soon, so that the jobs of a killed process come back soon.
      const environment = { DATABASE_URL: database?.url ?? "", WORKER_LEASE_SECONDS: "4" };
      await expectNothingLostInKillLoop({ ...scale, seed: 20_261_121, environment });
    },
    isNightly ? 3_600_000 : 300_000,
  );
});
