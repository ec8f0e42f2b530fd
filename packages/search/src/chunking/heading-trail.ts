/** More would be a text that only looks like a heading. */
const longestHeading = 200;

/** Signs may follow the title too, behind a space. In time that grows with the line alone, whatever stands in it. */
function readHeading(line: string): { readonly signs: string; readonly title: string } | undefined {
  const [, signs = "", rest = ""] = /^(#{1,6})\s+(\S.*)$/.exec(line.trimEnd()) ?? [];
  let end = rest.length;
  while (rest[end - 1] === "#") end--;
  const isClosed = end === 0 || /\s/.test(rest[end - 1] ?? "");
  const title = (isClosed ? rest.slice(0, end) : rest).trimEnd();
  return title === "" || title.length > longestHeading ? undefined : { signs, title };
}

/** Between the headings of a section. */
export const sectionSeparator = " › ";

/** The headings that are in force while a text is read from passage to passage. */
export class HeadingTrail {
  readonly #headings: { readonly level: number; readonly title: string }[] = [];
  #isCode = false;

  /** Goes on in a section whose outermost heading is of level 1, the next of level 2, and so on. */
  constructor(section: string | null = null) {
    for (const [index, title] of (section?.split(sectionSeparator) ?? []).entries())
      this.#headings.push({ level: index + 1, title });
  }

  /**
   * The section of the next passage: that of the headings it begins with, else that in which the passage
   * before ended. Null before the first heading.
   */
  enter(passage: string): string | null {
    const lines = passage.split("\n");
    const firstOfText = lines.findIndex((line) => line.trim() !== "" && !/^#{1,6}\s/.test(line));
    const headed = firstOfText < 0 ? lines.length : firstOfText;
    this.#read(lines.slice(0, headed));
    const section = this.#section();
    this.#read(lines.slice(headed));
    return section;
  }

  /** The section of what stands at an offset of the next passage, which is read no further. */
  enterTo(passage: string, offset: number): string | null {
    const lineEnd = passage.indexOf("\n", offset);
    this.#read(passage.slice(0, lineEnd < 0 ? undefined : lineEnd).split("\n"));
    return this.#section();
  }

  #section(): string | null {
    const section = this.#headings.map(({ title }) => title).join(sectionSeparator);
    return section === "" ? null : section;
  }

  #read(lines: readonly string[]): void {
    for (const line of lines) {
      // A comment of a program looks like a heading.
      if (/^\s*(?:```|~~~)/.test(line)) this.#isCode = !this.#isCode;
      if (this.#isCode) continue;
      const heading = readHeading(line);
      if (heading === undefined) continue;
      const { signs, title } = heading;
      while ((this.#headings.at(-1)?.level ?? 0) >= signs.length) this.#headings.pop();
      this.#headings.push({ level: signs.length, title });
    }
  }
}
