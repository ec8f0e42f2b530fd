import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { sql } from "kysely";
import { expect, it, onTestFinished } from "vitest";
import { waitFor } from "@millrace/testing";
import { openEmbedded } from "../src/index.ts";
import { spawnScript } from "./spawn-script.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const committingScript = new URL("./committing-child.ts", import.meta.url);
// Each opens the database anew, which takes a second.
const killCount = process.env.MILLRACE_NIGHTLY === "1" ? 60 : 8;

it("keeps every acknowledged commit of a process that is killed again and again", async () => {
  const folder = temporaryFolder();
  const acknowledged: number[] = [];
  for (let kill = 1; kill <= killCount; kill++) {
    const script = spawnScript(committingScript, [folder, `${kill * 100_000}`]);
    onTestFinished(script.kill);
    // A different number each time, so that the kills meet different moments.
    await script.wrote(1 + ((kill * 37) % 90));
    await script.kill();
    acknowledged.push(...script.lines.map(Number));
  }

  const database = await openEmbedded(folder);
  const { rows } = await sql<{ number: number }>`SELECT number FROM kept`.execute(database.queryable);
  await database.close();

  const found = new Set(rows.map(({ number }) => number));
  expect(acknowledged.length).toBeGreaterThanOrEqual(killCount);
  expect(acknowledged.filter((number) => !found.has(number))).toEqual([]);
  // At most the one commit that each kill met may be there without having been acknowledged.
  expect(found.size).toBeLessThanOrEqual(acknowledged.length + killCount);
}, 300_000);

it("opens after a process was killed while it made the database", async () => {
  const folder = temporaryFolder();
  const killed = spawnScript(committingScript, [folder, "1"]);
  onTestFinished(killed.kill);
  await waitFor(() => existsSync(path.join(folder, "database.unfinished/PG_VERSION")), {
    describe: "a half-made database",
    intervalMs: 1,
  });
  await killed.kill();
  const namesAfterKill = readdirSync(folder);

  const script = spawnScript(committingScript, [folder, "1"]);
  onTestFinished(script.kill);
  await script.wrote(3);
  await script.kill();

  expect(namesAfterKill).toEqual(["database.unfinished"]);
  expect(script.lines.slice(0, 3)).toEqual(["1", "2", "3"]);
  expect(readdirSync(folder)).toEqual(["database"]);
});
