import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openEmbedded } from "@millrace/database";
import { prepareDatabase } from "@millrace/testing";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { crashAndRecover } from "./crash-and-recover.ts";
import { chosenPoints, pointInTheMidst, pointsWhileRecovering } from "./crash-points.ts";
import { createDomainTables } from "./facts.ts";

const points = chosenPoints({ sample: 2, seed: 20_261_121 });
const whileRecovering = chosenPoints({ sample: 1, seed: 20_261_123, from: pointsWhileRecovering });

describe("after a process on the embedded database was killed at", () => {
  let root: string;
  let folder: string;

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "millrace-crash-"));
    await prepareDatabase(join(root, "template"));
    const database = await openEmbedded(join(root, "template"));
    await createDomainTables(database);
    await database.close();
  });
  afterAll(() => rm(root, { recursive: true, force: true }));
  beforeEach(async () => {
    folder = join(root, "victim");
    await cp(join(root, "template"), folder, { recursive: true });
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it.each(points)(
    "%s, every promise holds",
    async (point) => {
      expect(await crashAndRecover({ points: [point], environment: { CRASH_FOLDER: folder } })).toEqual([]);
    },
    1_200_000,
  );

  it.each(whileRecovering)(
    "%s while it recovered from an earlier kill, every promise holds",
    async (point) => {
      expect(
        await crashAndRecover({ points: [pointInTheMidst, point], environment: { CRASH_FOLDER: folder } }),
      ).toEqual([]);
    },
    1_200_000,
  );
});
