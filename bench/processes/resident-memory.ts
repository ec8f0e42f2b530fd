import { readdir, readFile } from "node:fs/promises";

/**
 * Resident memory of a process and all its descendants in bytes, shared pages counted once for each.
 * Undefined where there is no /proc.
 */
export async function residentMemoryOfTree(rootId: number): Promise<number | undefined> {
  const processes = await readProcesses();
  if (processes === undefined) return undefined;
  const tree = new Set([rootId]);
  // Ids wrap around, so a child may come before its parent: go on until nothing is added.
  for (let before = 0; before < tree.size;) {
    before = tree.size;
    for (const { id, parentId } of processes) if (tree.has(parentId)) tree.add(id);
  }
  return processes.filter(({ id }) => tree.has(id)).reduce((sum, { bytes }) => sum + bytes, 0);
}

type ProcessMemory = { readonly id: number; readonly parentId: number; readonly bytes: number };

async function readProcesses(): Promise<ProcessMemory[] | undefined> {
  if (process.platform !== "linux") return undefined;
  const names = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(names.map((name) => readProcess(Number(name))));
  return found.filter((entry) => entry !== undefined);
}

async function readProcess(id: number): Promise<ProcessMemory | undefined> {
  try {
    const status = await readFile(`/proc/${id}/status`, "utf8");
    const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? 0);
    return { id, parentId: field("PPid"), bytes: field("VmRSS") * 1024 };
  } catch {
    // It ended between the listing and the reading.
    return undefined;
  }
}
