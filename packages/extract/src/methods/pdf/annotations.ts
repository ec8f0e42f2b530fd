import type { PDFPageProxy } from "pdfjs-dist/legacy/build/pdf.mjs";

/** Notes and form fields of one page; a page with more is a page made to fill memory. */
const maxAnnotations = 5_000;

/**
 * Form values, notes and free text of a page, which are no part of its text content. What the page
 * already says is left out.
 */
export async function readAnnotations(page: PDFPageProxy, pageText: string): Promise<string> {
  const annotations: readonly unknown[] = await page.getAnnotations({ intent: "display" }).catch(() => []);
  const found = new Set<string>();
  for (const annotation of annotations.slice(0, maxAnnotations)) {
    for (const text of textsOf(annotation)) {
      if (!pageText.includes(text)) found.add(text);
    }
  }
  return [...found].join("\n");
}

function textsOf(annotation: unknown): readonly string[] {
  if (typeof annotation !== "object" || annotation === null) return [];
  const candidates: unknown[] = [];
  if ("fieldValue" in annotation && !isButton(annotation)) candidates.push(annotation.fieldValue);
  if ("contentsObj" in annotation) candidates.push(stringInside(annotation.contentsObj));
  if ("textContent" in annotation) {
    const lines = annotation.textContent;
    candidates.push(Array.isArray(lines) ? lines.join("\n") : lines);
  }
  return candidates
    .flat()
    .filter((value): value is string => typeof value === "string")
    .map((value) => value.trim())
    .filter((value) => value !== "");
}

/** The value of a check box is an internal name such as "Yes1". */
function isButton(annotation: object): boolean {
  return "fieldType" in annotation && annotation.fieldType === "Btn";
}

function stringInside(value: unknown): unknown {
  return typeof value === "object" && value !== null && "str" in value ? value.str : undefined;
}
