/** A schedule of a single time, until it has made its job. */
import { errorCode } from "@millrace/kernel";
import type { Queue } from "../../src/index.ts";
import { tasks, work } from "./victim-tasks.ts";

const by = { by: "the script" };

/** One that never comes while the script lasts. */
export async function declareNewYear({ schedules }: Queue): Promise<void> {
  const newYear = { name: "new year", task: tasks.plain.name, input: work(), cron: "0 0 1 1 *" };
  await schedules.declare([newYear], { source: "program" });
}

/** Makes one that comes soon, unless an earlier launch has. */
export async function scheduleSoon(queue: Queue, name: string, inMs = 1_000): Promise<void> {
  const at = new Date(Date.now() + inMs);
  const asked = { name, task: tasks.plain.name, input: work(), at };
  await queue.schedules.create(asked, by).catch(async (error: unknown) => {
    if (errorCode(error) === "schedule_name_taken") return;
    // On a busy machine the time was over before the schedule was written.
    if (errorCode(error) !== "invalid_schedule" || inMs > 60_000) throw error;
    await scheduleSoon(queue, name, inMs * 4);
  });
}

/** The jobs that it made, once it has ended: of a single time there must be one. */
export async function findMade({ schedules }: Queue, name: string): Promise<readonly string[] | undefined> {
  const { state } = await schedules.get(name);
  if (state !== "ended") return undefined;
  const runs = await schedules.listRuns(name, { limit: 10 });
  if (runs.length !== 1) throw new Error(`${name} has ${runs.length} runs, not 1`);
  return runs.flatMap(({ jobId }) => jobId ?? []);
}
