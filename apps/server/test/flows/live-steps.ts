/** What a worker process commits reaches those who watch it at an API process, as it is committed. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { SocketClient } from "@millrace/live/testing";
import type { RunningMillrace } from "@millrace/testing";
import { expect } from "vitest";
import { readEvents } from "../../src/cli/server/event-stream.ts";
import { addJob } from "./fleet.ts";
import type { Fleet } from "./fleet.ts";

/** Each takes the five seconds of a look at the database when nothing is told between processes. */
const steps = 24;

/** Less than they all take then, and enough for a busy machine otherwise. */
export const stepsWithinMs = 100_000;

/** A busy machine must not cost a worker its lease: its job would begin anew. */
export const patient = { WORKER_LEASE_SECONDS: "60" };

/** Its job says how far it is, and goes on when a file says that this was seen. */
export const steppingProgram = {
  "tasks/step.ts": `import { access } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { defineTask, handleTask, z } from "millrace";

const isSeen = (file: string) => access(file).then(() => true, () => false);

const rules = { queue: "chat", retries: 0, input: z.object({}), output: z.object({}) };

export const stepping = handleTask({
  task: defineTask({ name: "roles.step", ...rules }),
  run: async (context) => await goThrough(context),
});
export const apart = handleTask({
  task: defineTask({ name: "roles.step_apart", ...rules, isolation: {} }),
  run: async (context) => await goThrough(context),
});

async function goThrough({ job, progress, signal }) {
  for (let step = 1; step <= ${steps}; step++) {
    progress({ done: step, message: \`step \${step}\` });
    while (!(await isSeen(\`seen-\${job.id}-\${step}\`))) await sleep(10, undefined, { signal });
  }
  return {};
}
`,
} as const;

type Frame = {
  readonly t: string;
  readonly type?: string;
  readonly data?: Readonly<Record<string, unknown>>;
};

/** Takes part in a job over a WebSocket until it has ended; gives the types of the events that came. */
export async function stepThroughSocket(
  fleet: Fleet,
  api: RunningMillrace,
  task = "roles.step",
): Promise<string[]> {
  const id = await addJob(api, task);
  const socket = new SocketClient<Frame>(`${api.url.replace("http", "ws")}/api/ws`, ["millrace.v1"]);
  await socket.opened();
  await socket.subscribe({ topic: `job:${id}`, since: 0 }, 30_000);
  const types: string[] = [];
  while (types.at(-1) !== "job.succeeded") {
    const frame = await socket.next(30_000);
    if (frame.t !== "ev" || frame.type === undefined) continue;
    types.push(frame.type);
    await confirm(fleet, id, frame.data);
  }
  await socket.close();
  return types;
}

/** The same over server-sent events. */
export async function stepThroughEventStream(fleet: Fleet, api: RunningMillrace): Promise<string[]> {
  const id = await addJob(api, "roles.step");
  const response = await fetch(`${api.url}/api/jobs/${id}/events?until=finished`);
  const types: string[] = [];
  for await (const { type, text } of readEvents(response.body ?? new ReadableStream())) {
    types.push(type);
    await confirm(fleet, id, (JSON.parse(text) as Frame).data);
  }
  return types;
}

async function confirm(fleet: Fleet, id: string, data: Frame["data"]): Promise<void> {
  const step = data?.["done"];
  if (typeof step === "number") await writeFile(join(fleet.folder, `seen-${id}-${step}`), "");
}

export function expectAllSteps(types: readonly string[]): void {
  expect(types.filter((type) => type === "job.progressed")).toHaveLength(steps);
  expect(types.at(-1)).toBe("job.succeeded");
}
