/** More would be a text that only looks like a heading. */
const longestHeading = 200;

/** The headings that are in force while a text is read from passage to passage. */
export class HeadingTrail {
  readonly #headings: { readonly level: number; readonly title: string }[] = [];
  #isCode = false;

  /**
   * The section of the next passage: that of the headings it begins with, else that in which the passage
   * before ended. Null before the first heading.
   */
  enter(passage: string): string | null {
    const lines = passage.split("\n");
    const firstOfText = lines.findIndex((line) => line.trim() !== "" && !/^#{1,6}\s/.test(line));
    const headed = firstOfText < 0 ? lines.length : firstOfText;
    this.#read(lines.slice(0, headed));
    const section = this.#headings.map(({ title }) => title).join(" › ");
    this.#read(lines.slice(headed));
    return section === "" ? null : section;
  }

  #read(lines: readonly string[]): void {
    for (const line of lines) {
      // A comment of a program looks like a heading.
      if (/^\s*(?:```|~~~)/.test(line)) this.#isCode = !this.#isCode;
      if (this.#isCode) continue;
      const match = /^(#{1,6})\s+(.+?)\s*#*\s*$/.exec(line);
      const [, signs = "", title = ""] = match ?? [];
      if (title === "" || title.length > longestHeading) continue;
      while ((this.#headings.at(-1)?.level ?? 0) >= signs.length) this.#headings.pop();
      this.#headings.push({ level: signs.length, title });
    }
  }
}
