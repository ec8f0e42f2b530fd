import * as fc from "fast-check";
import { sql } from "kysely";
import { afterAll, beforeAll, expect, it } from "vitest";
import { chordArbitrary, runChord } from "./chord-run.ts";
import { readModelCheck } from "./queue-property.ts";
import { emptyTables, openSystem } from "./system.ts";
import type { QueueSystem } from "./system.ts";

const check = readModelCheck(process.env);
/** Its few states need fewer runs than all that jobs do. */
const runs = Math.ceil(check.runs / 5);

/** Without these the runs would have proven little. */
const expected = [
  "already_finished",
  "job_not_ended",
  "retried",
  "workflow cancelled",
  "workflow failed",
  "workflow succeeded",
  "workflow_is_stopping",
  "workflow_job_was_skipped",
  "workflow_not_retryable",
];

let system: QueueSystem;
beforeAll(async () => {
  system = await openSystem();
});
afterAll(() => system.close());

it(`a chord and its model agree after each step of ${runs} runs from seed ${check.seed}`, async () => {
  const property = fc.asyncProperty(chordArbitrary, async (given) => {
    await emptyTables(system);
    await sql`DELETE FROM workflow_node`.execute(system.database.queryable);
    await sql`DELETE FROM workflow`.execute(system.database.queryable);
    await runChord(system, given);
  });

  await fc.assert(property, { numRuns: runs, seed: check.seed });

  if (runs < 100) return;
  expect(expected.filter((what) => !system.noticed.has(what))).toEqual([]);
}, 3_600_000);
