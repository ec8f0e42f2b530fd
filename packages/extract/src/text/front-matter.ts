export type FrontMatter = { readonly title: string | undefined; readonly body: string };

/** Front matter longer than this is text that happens to begin with a rule. */
const maxFrontMatterCharacters = 16_384;

/**
 * Takes YAML or TOML front matter off a Markdown text and reads the title in it. Without a title
 * there, the first level-one heading is the title; the heading stays in the body.
 */
export function splitFrontMatter(text: string): FrontMatter {
  const opening = /^\s{0,8}(---|\+\+\+)[ \t]*\n/.exec(text.slice(0, 200));
  const block = opening === null ? undefined : findBlock(text, opening[0].length, opening[1] ?? "---");
  const body = block === undefined ? text : text.slice(block.end).replace(/^\n+/, "");
  return { title: block?.title ?? firstHeading(body), body };
}

function findBlock(
  text: string,
  start: number,
  fence: string,
): { end: number; title: string | undefined } | undefined {
  const lines = text.slice(start, start + maxFrontMatterCharacters).split("\n");
  const closing = lines.findIndex((line) => line.trimEnd() === fence || (fence === "---" && line === "..."));
  if (closing < 0) return undefined;
  const inside = lines.slice(0, closing);
  // A rule at the top of a plain document is no front matter: that has keys.
  if (closing > 0 && !inside.some((line) => /^[\w-]+\s*[:=]/.test(line))) return undefined;
  const consumed = lines.slice(0, closing + 1).reduce((sum, line) => sum + line.length + 1, 0);
  return { end: start + consumed, title: titleIn(inside) };
}

function titleIn(lines: readonly string[]): string | undefined {
  for (const line of lines) {
    const match = /^title\s*[:=]\s*(\S.*)$/i.exec(line.trimEnd());
    const value = match?.[1]?.replace(/^(["'])(.*)\1$/, "$2").trim();
    if (value !== undefined && value !== "" && !/^[>|][+-]?$/.test(value)) return value;
  }
  return undefined;
}

function firstHeading(body: string): string | undefined {
  const match = /^#[ \t]+([^\n]{1,300})$/m.exec(body.slice(0, 20_000));
  return match?.[1]?.replace(/[ \t]+#+\s*$/, "").trim();
}
