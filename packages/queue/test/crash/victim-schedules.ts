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
export async function scheduleSoon({ schedules }: Queue, name: string): Promise<void> {
  const at = new Date(Date.now() + 1_000);
  await schedules.create({ name, task: tasks.plain.name, input: work(), at }, by).catch((error: unknown) => {
    if (errorCode(error) !== "schedule_name_taken") throw error;
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
