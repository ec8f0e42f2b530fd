import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { toError } from "@millrace/kernel";
import type { Crew, CrewRegistries } from "./crew.ts";
import { loadCrew } from "./load-crew.ts";
import type { SourceFile } from "./yaml-file.ts";

/** A crew that can't be used does not keep the others from working. */
export type LoadedCrews = {
  readonly crews: readonly Crew[];
  readonly broken: readonly { readonly name: string; readonly error: Error }[];
};

/**
 * The crews of a folder: each folder in it with `agents.yaml` and `tasks.yaml`, there or in its `config` as in
 * CrewAI's own projects. A folder without them is no crew; without the outer folder there are none. Problems name
 * files as they are seen from `from`; default: as they were found.
 */
export async function loadCrews(
  folder: string,
  registries: CrewRegistries,
  from?: string,
): Promise<LoadedCrews> {
  const shown = (path: string): string => (from === undefined ? path : relative(from, path));
  const crews: Crew[] = [];
  const broken: { name: string; error: Error }[] = [];
  for (const name of await foldersOf(folder)) {
    try {
      const crew = await loadFrom({ folder: join(folder, name), name, shown }, registries);
      if (crew !== undefined) crews.push(crew);
    } catch (error) {
      broken.push({ name, error: toError(error) });
    }
  }
  return { crews, broken };
}

async function foldersOf(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries
      .filter(
        (entry) => (entry.isDirectory() || entry.isSymbolicLink()) && /^[A-Za-z0-9][\w-]*$/.test(entry.name),
      )
      .map((entry) => entry.name)
      .toSorted();
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

type Place = {
  readonly folder: string;
  readonly name: string;
  readonly shown: (path: string) => string;
};

async function loadFrom(
  { folder, name, shown }: Place,
  registries: CrewRegistries,
): Promise<Crew | undefined> {
  const readSource = (place: string, what: string) => readSourceFile(place, what, shown);
  for (const place of [folder, join(folder, "config")]) {
    const agents = await readSource(place, "agents");
    const tasks = await readSource(place, "tasks");
    if (agents === undefined && tasks === undefined) continue;
    const crew = (await readSource(place, "crew")) ?? (await readSource(folder, "crew"));
    return loadCrew(
      {
        name,
        agents: agents ?? { name: shown(join(place, "agents.yaml")), text: "" },
        tasks: tasks ?? { name: shown(join(place, "tasks.yaml")), text: "" },
        ...(crew === undefined ? {} : { crew }),
      },
      registries,
    );
  }
  return undefined;
}

async function readSourceFile(
  folder: string,
  what: string,
  shown: (path: string) => string,
): Promise<SourceFile | undefined> {
  for (const ending of ["yaml", "yml"]) {
    const path = join(folder, `${what}.${ending}`);
    try {
      return { name: shown(path), text: await readFile(path, "utf8") };
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
  return undefined;
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
}
