import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

const tasks = `
import { existsSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { defineTask, handleTask, MillraceError, z } from "millrace";

export const mend = handleTask({
  task: defineTask({
    name: "sluices.mend_gate",
    input: z.strictObject({ wood: z.string() }),
    output: z.object({ mended_with: z.string() }),
    retries: 0,
  }),
  run: async ({ input, log }) => {
    log("info", "Looking for wood");
    if (existsSync(input.wood)) return { mended_with: input.wood };
    throw new MillraceError({ code: "no_wood", kind: "unavailable", message: "There is no wood for the gate yet." });
  },
});

export const raise = handleTask({
  task: defineTask({
    name: "sluices.raise_gate",
    description: "Turns the winch until the file of its input is there",
    input: z.strictObject({ turns: z.int(), until: z.string() }),
    output: z.number(),
  }),
  run: async ({ input, progress, log, signal, step }) => {
    await step("oil the winch", async () => true);
    for (let turn = 1; turn <= input.turns; turn += 1) {
      progress({ percent: (turn / input.turns) * 90, done: turn, total: input.turns, unit: "turns" });
      log("info", "Turn " + turn);
    }
    while (!existsSync(input.until)) await wait(100, undefined, { signal });
    return input.turns;
  },
});

export const measure = handleTask({
  task: defineTask({
    name: "sluices.measure_water",
    input: z.strictObject({ depth: z.number() }),
    output: z.number(),
    retries: 0,
  }),
  run: async ({ input }) => {
    if (input.depth >= 0) return input.depth;
    throw new MillraceError({ code: "dry", kind: "invalid", message: "There is no water to measure." });
  },
});

export const sum = handleTask({
  task: defineTask({
    name: "sluices.add_depths",
    input: z.array(z.number()),
    output: z.object({ total: z.number() }),
  }),
  run: async ({ input }) => ({ total: input.reduce((sum, depth) => sum + depth, 0) }),
});
`;

/** Writes a program with tasks that wait for files into the folder where the server is about to start. */
export async function writeSluiceProgram(folder: string): Promise<void> {
  await mkdir(join(folder, "tasks"), { recursive: true });
  await writeFile(join(folder, "tasks", "sluice.ts"), tasks);
}
