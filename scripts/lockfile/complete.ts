type Entries = Record<string, unknown>;

const operatingSystems = new Set([
  "aix",
  "android",
  "darwin",
  "freebsd",
  "linux",
  "openharmony",
  "sunos",
  "win32",
]);

/**
 * The lock file's text with an entry for every optional dependency that has none, and the names of
 * those added. Only packages whose name states a platform are added; others are not ours to invent.
 */
export function completeLockfile(before: string): {
  readonly text: string;
  readonly added: readonly string[];
} {
  const lockfile = recordOf(JSON.parse(before));
  const packages: Entries = { ...recordOf(lockfile.packages) };
  const added: string[] = [];
  for (const [parentPath, value] of Object.entries(packages)) {
    const parent = recordOf(value);
    for (const [name, version] of Object.entries(recordOf(parent.optionalDependencies))) {
      const platform = platformOf(name);
      if (platform === undefined || hasEntry(packages, parentPath, name)) continue;
      const { os, cpu, libc } = platform;
      const dev = parent.dev === true ? { dev: true } : {};
      packages[`node_modules/${name}`] = { version, cpu, ...dev, ...libc, optional: true, os };
      added.push(`${name}@${String(version)}`);
    }
  }
  if (added.length === 0) return { text: before, added };
  // npm's own order, so that its next run changes nothing else.
  const ordered = Object.entries(packages).toSorted(([left], [right]) => left.localeCompare(right, "en"));
  const text = `${JSON.stringify({ ...lockfile, packages: Object.fromEntries(ordered) }, undefined, 2)}\n`;
  return { text, added };
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

/** Whether Node would find the package from this folder: there or in a folder above it. */
function hasEntry(packages: Entries, fromPath: string, name: string): boolean {
  for (let folder = fromPath; ;) {
    if (`${folder === "" ? "" : `${folder}/`}node_modules/${name}` in packages) return true;
    if (folder === "") return false;
    const cut = folder.lastIndexOf("/node_modules/");
    folder = cut === -1 ? "" : folder.slice(0, cut);
  }
}

function platformOf(name: string) {
  const parts = name.slice(name.lastIndexOf("/") + 1).split("-");
  const index = parts.findIndex((part) => operatingSystems.has(part));
  const [os, cpu, library] = index === -1 ? [] : parts.slice(index);
  if (os === undefined || cpu === undefined) return undefined;
  const libc = os === "linux" && library !== undefined ? [library.startsWith("musl") ? "musl" : "glibc"] : [];
  return { os: [os], cpu: [cpu], libc: libc.length === 0 ? {} : { libc } };
}
