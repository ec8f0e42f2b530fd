import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

const tasks = `
import { existsSync } from "node:fs";
import { defineTask, handleTask } from "millrace";
import { setTimeout as wait } from "node:timers/promises";
import { z } from "zod";

export const grind = handleTask({
  task: defineTask({
    name: "mills.grind_grain",
    description: "Fails once, and goes well when somebody retries it",
    queue: "mills",
    input: z.object({}),
    output: z.object({ attempt: z.number() }),
    retries: 0,
  }),
  run: async ({ job: { attempt } }) => {
    if (attempt === 1) throw new Error("The sluice is shut.");
    return { attempt };
  },
});

export const turn = handleTask({
  task: defineTask({
    name: "mills.turn_wheel",
    description: "Turns until the file of its input is there",
    queue: "wheels",
    input: z.object({ until: z.string() }),
    output: z.object({ attempt: z.number() }),
  }),
  run: async ({ input, job: { attempt }, signal }) => {
    while (!existsSync(input.until)) await wait(100, undefined, { signal });
    return { attempt };
  },
});
`;

/** Writes a program with two tasks of its own into the folder where the server is about to start. */
export async function writeMillProgram(folder: string): Promise<void> {
  await mkdir(join(folder, "tasks"), { recursive: true });
  await writeFile(join(folder, "tasks", "mill.ts"), tasks);
}

/** Enqueues a job over HTTP and returns its id. */
export async function enqueue(
  url: string,
  task: "mills.grind_grain" | "mills.turn_wheel",
  input: Readonly<Record<string, string>> = {},
): Promise<string> {
  const response = await fetch(`${url}/api/tasks/${task}/jobs`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ input }),
  });
  const body: unknown = await response.json();
  if (typeof body === "object" && body !== null && "id" in body && typeof body.id === "string")
    return body.id;
  throw new Error(`Not enqueued: ${JSON.stringify(body)}`);
}

/** Waits until the job has ended, and says how. */
export async function endOf(url: string, id: string): Promise<unknown> {
  for (let asked = 0; asked < 6; asked++) {
    const response = await fetch(`${url}/api/jobs/${id}`, { headers: { prefer: "wait=20" } });
    const job: unknown = await response.json();
    if (typeof job !== "object" || job === null || !("finished_at" in job)) return job;
    if (job.finished_at !== null) return job;
  }
  throw new Error(`The job ${id} did not end.`);
}
