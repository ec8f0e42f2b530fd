import type { ExtractionWarning, PageRange } from "../extracted-text.ts";
import { maxPdfPageCharacters, maxTextCharacters } from "../limits.ts";
import type { FoundAttachment, MethodOutput } from "../methods/method.ts";
import { countLetters, sanitizeText, sanitizeTitle, tidyLines } from "../text/sanitize-text.ts";

/** The cleaned result of one method, as it travels to the parent. */
export type FinishedOutput = {
  readonly text: string;
  readonly title: string | null;
  readonly pages: readonly PageRange[];
  readonly encoding: string | null;
  readonly warnings: readonly ExtractionWarning[];
  readonly pagesWithoutText: readonly number[];
  readonly confidence: number | null;
  readonly attachments: readonly FoundAttachment[];
  readonly isWeak: boolean;
  /** Letters and digits in the text: the measure by which two readings are compared. */
  readonly letters: number;
};

/**
 * Cleans what a method found and fixes where each page lies. Text of plain formats keeps its own
 * layout; text read from a layout is tidied.
 */
export function finishOutput(output: MethodOutput, keepsLayout: boolean): FinishedOutput {
  const warnings = [...output.warnings];
  const pages: PageRange[] = [];
  const pieces: string[] = [];
  let length = 0;
  let isCut = output.isTruncated === true;
  for (const [index, part] of output.parts.entries()) {
    const clean = sanitizeText(part.slice(0, maxTextCharacters * 2));
    const separator = pieces.length === 0 ? "" : "\n\n";
    const full = keepsLayout ? clean : tidyLines(clean);
    const text = cutText(full, maxTextCharacters - length - separator.length);
    isCut ||= text.length < full.length;
    pieces.push(separator, text);
    length += separator.length;
    if (output.hasPages) pages.push({ page: index + 1, charStart: length, charEnd: length + text.length });
    length += text.length;
  }
  if (isCut) {
    warnings.push({
      code: "text_truncated",
      message: `The text is longer than can be kept (${maxTextCharacters} characters in all, ${maxPdfPageCharacters} on one page); the rest was left out.`,
    });
  }
  const text = pieces.join("");
  return {
    text,
    title: sanitizeTitle(output.title),
    pages,
    encoding: output.encoding,
    warnings,
    pagesWithoutText: output.pagesWithoutText ?? [],
    confidence: output.confidence ?? null,
    attachments: output.attachments ?? [],
    isWeak: output.isWeak,
    letters: countLetters(text),
  };
}

/** Cuts without leaving half a surrogate pair. */
function cutText(text: string, maxCharacters: number): string {
  if (text.length <= maxCharacters) return text;
  const cut = text.slice(0, Math.max(0, maxCharacters));
  return cut.isWellFormed() ? cut : cut.slice(0, -1);
}
