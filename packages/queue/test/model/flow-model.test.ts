import * as fc from "fast-check";
import { sql } from "kysely";
import { afterAll, beforeAll, expect, it } from "vitest";
import { flowArbitrary, runFlow, sayFlow } from "./flow-run.ts";
import { readModelCheck } from "./queue-property.ts";
import { emptyTables, openSystem } from "./system.ts";
import type { QueueSystem } from "./system.ts";

const { runs: modelRuns, seed, path } = readModelCheck(process.env);
/** A run is many statements: the whole tree is read after each step. */
const runs = Math.ceil(modelRuns / 10);

/** Without these the runs would have proven little. */
const expected = [
  ...["fail", "stop", "succeed together", "cancelling", "cancelled", "retried"],
  ...["already_finished", "job_not_ended", "workflow_job_was_skipped", "workflow_not_retryable"],
];

let system: QueueSystem;
beforeAll(async () => {
  system = await openSystem();
});
afterAll(() => system.close());

it(`flows of any shape keep their rules and come to their end in ${runs} runs from seed ${seed}`, async () => {
  const property = fc.asyncProperty(flowArbitrary, async (given) => {
    await emptyTables(system);
    await sql`DELETE FROM workflow_node`.execute(system.database.queryable);
    await sql`DELETE FROM workflow`.execute(system.database.queryable);
    await runFlow(system, given);
  });

  const details = await fc.check(property, { numRuns: runs, seed, ...(path === undefined ? {} : { path }) });

  const [found] = details.counterexample ?? [];
  if (found !== undefined) {
    const steps = found.steps.map(({ kind, which }) => `${kind} ${which}`).join(", ");
    const place = `MILLRACE_MODEL_SEED=${seed} MILLRACE_MODEL_PATH='${details.counterexamplePath ?? ""}'`;
    throw new Error(`${sayFlow(found.flow)} after ${steps}. To run it again: ${place}`, {
      cause: details.errorInstance,
    });
  }
  if (runs < 100) return;
  expect(expected.filter((what) => !system.noticed.has(what))).toEqual([]);
}, 3_600_000);
