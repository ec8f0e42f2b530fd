import { mkdirSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

export type ProgramFolder = AsyncDisposable & {
  readonly path: string;
  /** Writes a file, with the folders it stands in. */
  readonly write: (name: string, text: string) => void;
};

/** A working folder of somebody, outside of this repository, with these files. */
export async function programFolder(files: Readonly<Record<string, string>>): Promise<ProgramFolder> {
  const folder = await mkdtemp(path.join(tmpdir(), "millrace-program-"));
  const write = (name: string, text: string): void => {
    const file = path.join(folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  };
  for (const [name, text] of Object.entries(files)) write(name, text);
  return {
    path: folder,
    write,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true, maxRetries: 3 }),
  };
}

/** A task file with one handler: `add(x, y)`, or what else the expression makes of its input. */
export function taskFile(name: string, expression = "input.x + input.y", more = ""): string {
  return `import { defineTask, handleTask, z } from "millrace";

const task = defineTask({
  name: "${name}",
  input: z.object({ x: z.number(), y: z.number() }),
  output: z.number(),
  ${more}
});
export const handler = handleTask({ task, run: async ({ input }) => ${expression} });
`;
}
