/** A whole marker such as `[2]` or `[2, 5]`, with the space before it. */
export const marker = /\s?\[(\d{1,2}(?:\s*[,;]\s*\d{1,2})*)\]/g;
/** What may become a marker when more comes. */
const openEnd = /\s?(?:\[[\d\s,;]{0,40})?$/;

/**
 * Turns the numbers of passages, as a model puts them into its answer, into numbers from 1 in the order in which they
 * come. Those that `has` refuses are left out.
 */
export class Markers {
  readonly #has: (passage: number) => boolean;
  readonly #numbers = new Map<number, number>();
  #held = "";

  constructor(has: (passage: number) => boolean) {
    this.#has = has;
  }

  /** The next piece of an answer, as far as it can be told: what may be half of a marker is kept for the next. */
  add(piece: string): string {
    const text = this.#held + piece;
    const at = text.search(openEnd);
    this.#held = text.slice(at);
    return this.#number(text.slice(0, at));
  }

  /** What was kept, when nothing more comes. */
  end(): string {
    const rest = this.#number(this.#held);
    this.#held = "";
    return rest;
  }

  /** The number of a passage; a new one where it has none. */
  numberOf(passage: number): number {
    const known = this.#numbers.get(passage);
    if (known !== undefined) return known;
    const next = this.#numbers.size + 1;
    this.#numbers.set(passage, next);
    return next;
  }

  #number(text: string): string {
    return text.replaceAll(marker, (whole, list: string) => {
      const passages = numbersIn(list).filter(this.#has);
      const numbers = [...new Set(passages.map((passage) => this.numberOf(passage)))];
      const space = /^\s/.test(whole) && numbers.length > 0 ? whole.charAt(0) : "";
      return `${space}${numbers.map((number) => `[${number}]`).join("")}`;
    });
  }
}

/** The numbers between the brackets of a marker. */
export function numbersIn(list: string): number[] {
  return list.split(/[,;]/).map(Number);
}
