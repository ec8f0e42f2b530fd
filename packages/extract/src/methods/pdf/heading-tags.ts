import type { PDFPageProxy } from "pdfjs-dist/legacy/build/pdf.mjs";

/** A heading that the file names as such; all pieces of one share the same object. */
export type HeadingTag = { readonly level: number };

/** Elements of one page; a page with more is a page made to fill memory. */
const maxElements = 20_000;

/** The headings of a tagged page, by the ids of the marked content that belongs to them. */
export async function readHeadingTags(page: PDFPageProxy): Promise<ReadonlyMap<string, HeadingTag>> {
  const tags = new Map<string, HeadingTag>();
  const root: unknown = await page.getStructTree().catch(() => null);
  const open: { readonly node: unknown; readonly tag: HeadingTag | undefined }[] = [
    { node: root, tag: undefined },
  ];
  for (let count = 0; count < maxElements; count += 1) {
    const next = open.pop();
    if (next === undefined) break;
    const { node } = next;
    if (typeof node !== "object" || node === null) continue;
    if ("id" in node && typeof node.id === "string" && next.tag !== undefined) tags.set(node.id, next.tag);
    const tag = "role" in node ? (next.tag ?? tagOfRole(node.role)) : next.tag;
    if ("children" in node && Array.isArray(node.children)) {
      for (const child of node.children) open.push({ node: child, tag });
    }
  }
  return tags;
}

/** "H" without a number is a heading whose level the nesting tells; those are rare, and level 1 here. */
function tagOfRole(role: unknown): HeadingTag | undefined {
  const level = typeof role === "string" ? /^(?:H([1-6]?)|Title)$/.exec(role) : null;
  return level === null ? undefined : { level: Number(level[1] ?? 1) || 1 };
}
