/** One module that a source file refers to, and the line it does so on. */
export type ImportReference = { readonly specifier: string; readonly line: number };

// The compiler API of TypeScript 7 is not for tools yet, so imports are found by pattern. Every form
// is anchored on its keyword; text inside comments may match, which errs on the side of reporting.
const forms = [
  /(?:^|[;}\s])(?:import|export)\s+(?:type\s+)?[\w*{}\s,$]*?\bfrom\s*["']([^"'\n]+)["']/g,
  /(?:^|[;}\s])import\s*["']([^"'\n]+)["']/g,
  /\bimport\s*\(\s*["'`]([^"'`\n$]+)["'`]/g,
  /\brequire\s*\(\s*["']([^"'\n]+)["']/g,
  /\bnew\s+URL\s*\(\s*["'`]([^"'`\n$]+)["'`]\s*,\s*import\.meta\.url/g,
  /\bimport\.meta\.resolve\s*\(\s*["']([^"'\n]+)["']/g,
];

/** Every module named by import, re-export, dynamic import, require or `new URL(…, import.meta.url)`. */
export function importReferences(source: string): ImportReference[] {
  const found = forms.flatMap((form) =>
    [...source.matchAll(form)].map((match) => ({
      specifier: match[1] ?? "",
      line: source.slice(0, match.index + match[0].length).split("\n").length,
    })),
  );
  return found.toSorted((left, right) => left.line - right.line);
}
