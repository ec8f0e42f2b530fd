import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** The mirror this machine already installs its Debian packages from, so that no host is written here. */
export async function machineMirror(aptDirectory = "/etc/apt"): Promise<string> {
  for (const path of await sourceFiles(aptDirectory)) {
    const text = await readFile(path, "utf8").catch(() => "");
    const found = path.endsWith(".sources") ? mirrorOfStanzas(text) : mirrorOfLines(text);
    if (found !== undefined) return found;
  }
  throw new Error(
    `No Debian mirror is configured under ${aptDirectory}. Test services need Debian's own apt sources; ` +
      "on other systems set MILLRACE_TEST_DATABASE_URL to a PostgreSQL with pgvector instead.",
  );
}

async function sourceFiles(aptDirectory: string): Promise<string[]> {
  const parts = join(aptDirectory, "sources.list.d");
  const names: string[] = await readdir(parts).catch(() => []);
  return [join(aptDirectory, "sources.list"), ...names.toSorted().map((name) => join(parts, name))];
}

/** One-line style: `deb [options] URI SUITE COMPONENT…`. */
export function mirrorOfLines(text: string): string | undefined {
  for (const line of text.split("\n")) {
    const match = /^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+(.*)$/.exec(line);
    if (match === null) continue;
    const [, uri = "", suite = "", components = ""] = match;
    if (isMainArchive(uri, suite, components)) return uri.replace(/\/+$/, "");
  }
  return undefined;
}

/** deb822 style: paragraphs of `Field: value`. */
export function mirrorOfStanzas(text: string): string | undefined {
  for (const stanza of text.split(/\n\s*\n/)) {
    const field = (name: string) => new RegExp(`^${name}:\\s*(.*)$`, "im").exec(stanza)?.[1]?.trim() ?? "";
    if (!field("Types").split(/\s+/).includes("deb") || field("Enabled") === "no") continue;
    const [uri = ""] = field("URIs").split(/\s+/);
    const [suite = ""] = field("Suites").split(/\s+/);
    if (isMainArchive(uri, suite, field("Components"))) return uri.replace(/\/+$/, "");
  }
  return undefined;
}

// Third-party archives and the security archive lack the base system, so debootstrap can't use them.
function isMainArchive(uri: string, suite: string, components: string): boolean {
  return (
    /^https?:\/\//.test(uri) &&
    /\/debian\/?$/.test(uri) &&
    /^[a-z]+$/.test(suite) &&
    components.split(/\s+/).includes("main")
  );
}
