const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** East Asian wide and full-width characters, and emoji. An approximation of Unicode's table. */
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;
const noColumn = /^[\p{Mn}\p{Me}\p{Cf}]+$/u;

/** How many columns of a terminal a printable text takes. */
export function columnsOf(text: string): number {
  // Most texts: nothing but ASCII.
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let columns = 0;
  for (const { segment } of segmenter.segment(text)) columns += columnsOfOne(segment);
  return columns;
}

/** Shortens to at most that many columns, with an ellipsis where something is left out. */
export function shorten(text: string, columns: number): string {
  // Bounds the work: no character takes part in fewer than a hundredth of a column.
  const start = text.slice(0, columns * 100);
  if (start.length === text.length && columnsOf(text) <= columns) return text;
  let used = 0;
  let kept = "";
  for (const { segment } of segmenter.segment(start)) {
    used += columnsOfOne(segment);
    if (used > columns - 1) break;
    kept += segment;
  }
  return columns < 1 ? "" : `${kept.trimEnd()}…`;
}

/** Fills up with spaces to that many columns, or shortens. */
export function fit(text: string, columns: number): string {
  const short = shorten(text, columns);
  return short + " ".repeat(Math.max(0, columns - columnsOf(short)));
}

/** Breaks lines at spaces so that none is wider; a word that is wider stays whole. */
export function wrap(text: string, columns: number): string[] {
  return text.split("\n").flatMap((line) => {
    const lines: string[] = [];
    let current = "";
    let used = 0;
    for (const word of line.split(" ")) {
      const width = columnsOf(word);
      if (current !== "" && used + 1 + width > columns) {
        lines.push(current);
        current = word;
        used = width;
      } else {
        current = current === "" ? word : `${current} ${word}`;
        used = columnsOf(current);
      }
    }
    return [...lines, current];
  });
}

function columnsOfOne(segment: string): number {
  if (noColumn.test(segment)) return 0;
  return wide.test(segment) ? 2 : 1;
}
