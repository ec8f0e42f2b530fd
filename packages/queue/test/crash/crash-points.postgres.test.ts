import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { crashAndRecover } from "./crash-and-recover.ts";
import type { CrashOptions } from "./crash-and-recover.ts";
import {
  chosenPoints,
  pointInTheMidst,
  pointsBesideSurvivor,
  pointsWhileRecovering,
} from "./crash-points.ts";
import { createDomainTables } from "./facts.ts";

const postgres = testDatabases().find((kind) => kind.name === "postgres");
const points = chosenPoints({ sample: 2, seed: 20_261_122 });
const besideSurvivor = chosenPoints({ sample: 1, seed: 20_261_122, from: pointsBesideSurvivor });
const whileRecovering = chosenPoints({ sample: 1, seed: 20_261_123, from: pointsWhileRecovering });

describe("after a process on PostgreSQL was killed at", () => {
  let opened: TestDatabase | undefined;
  let place: Pick<CrashOptions, "environment" | "queryable">;

  beforeEach(async () => {
    opened = await postgres?.open();
    if (opened === undefined) return;
    await createDomainTables(opened.database);
    const { queryable } = opened.database;
    place = { environment: { CRASH_DATABASE_URL: opened.url ?? "" }, queryable };
  });
  afterEach(() => opened?.close());

  it.each(points)(
    "%s, every promise holds",
    async (point) => {
      expect(await crashAndRecover({ points: [point], ...place })).toEqual([]);
    },
    1_200_000,
  );

  it.each(besideSurvivor)(
    "%s, every promise holds while another worker lives on",
    async (point) => {
      expect(await crashAndRecover({ points: [point], ...place, hasSurvivor: true })).toEqual([]);
    },
    1_200_000,
  );

  it.each(whileRecovering)(
    "%s while it recovered from an earlier kill, every promise holds",
    async (point) => {
      expect(await crashAndRecover({ points: [pointInTheMidst, point], ...place })).toEqual([]);
    },
    1_200_000,
  );
});
