/**
 * Replaces glyph shapes by the letters they show: the ligatures of Latin, and the forms Arabic and
 * Hebrew letters take inside a word. PDFs store shapes; nobody searches for those.
 */
export function resolvePresentationForms(text: string): string {
  return text.replace(/[\uFB00-\uFDFF\uFE70-\uFEFC]+/g, (shapes) => shapes.normalize("NFKC"));
}
