import { readdir, readFile } from "node:fs/promises";

/** Of Linux, on every architecture that Node runs on: USER_HZ. */
const ticksPerSecond = 100;

/**
 * Processor seconds of a process and its children so far, of those too that have ended. Throws where there is
 * no /proc.
 */
export async function processorSeconds(processId: number): Promise<number> {
  const names = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const all = (await Promise.all(names.map(readTicks))).filter((entry) => entry !== undefined);
  const own = all.find(({ id }) => id === processId);
  if (own === undefined) throw new Error(`Process ${processId} has ended.`);
  const children = all.filter(({ parentId }) => parentId === processId);
  const ticks = children.reduce((sum, child) => sum + child.ticks, own.ticks + own.endedTicks);
  return ticks / ticksPerSecond;
}

type Ticks = {
  readonly id: number;
  readonly parentId: number;
  readonly ticks: number;
  /** Of its children that have ended. */
  readonly endedTicks: number;
};

async function readTicks(id: string): Promise<Ticks | undefined> {
  const text = await readFile(`/proc/${id}/stat`, "utf8").catch(() => undefined);
  // The name of the program, in parentheses, may itself have any.
  const fields = text
    ?.slice(text.lastIndexOf(")") + 2)
    .split(" ")
    .map(Number);
  if (fields === undefined) return undefined;
  const [user = 0, system = 0, endedUser = 0, endedSystem = 0] = fields.slice(11, 15);
  return {
    id: Number(id),
    parentId: fields[1] ?? 0,
    ticks: user + system,
    endedTicks: endedUser + endedSystem,
  };
}
