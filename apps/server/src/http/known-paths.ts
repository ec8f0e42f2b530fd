import type { FastifyInstance } from "fastify";

/** Which methods the registered routes take, by path. */
export type KnownPaths = {
  /** Sorted; empty when no route has this path. */
  readonly methodsOf: (path: string) => readonly string[];
};

type KnownPath = { readonly segments: readonly string[]; readonly methods: Set<string> };

/**
 * Watches routes being added to the app from now on, so that a wrong method can be told from a
 * wrong path. Routes that end in a wildcard are files of the web app and are left out.
 */
export function watchKnownPaths(app: FastifyInstance): KnownPaths {
  const byPattern = new Map<string, KnownPath>();
  app.addHook("onRoute", ({ url, method }) => {
    if (url.includes("*")) return;
    const known = byPattern.get(url) ?? { segments: segmentsOf(url), methods: new Set<string>() };
    for (const each of typeof method === "string" ? [method] : method) known.methods.add(each);
    byPattern.set(url, known);
  });
  return {
    methodsOf: (path) => {
      const segments = segmentsOf(path);
      const found = [...byPattern.values()].filter((known) => matches(known.segments, segments));
      return [...new Set(found.flatMap((known) => [...known.methods]))].toSorted();
    },
  };
}

/** A trailing slash makes no difference, as in the router. */
function segmentsOf(path: string): string[] {
  return path.replace(/\/$/, "").split("/");
}

function matches(pattern: readonly string[], path: readonly string[]): boolean {
  return (
    pattern.length === path.length &&
    pattern.every((segment, index) => segment.includes(":") || segment === path[index])
  );
}
