import { maxTextCharacters } from "../../limits.ts";
import type { Archive } from "./archive.ts";
import type { Relations } from "./package-parts.ts";
import { readXmlPart } from "./xml-part.ts";
import type { XmlElement, XmlVisitor } from "./xml-part.ts";

/** A page full of small charts has fewer. */
const maxCharts = 200;

/**
 * What the charts say that a part of an office file shows, by its relations: titles, each on a line, then the names of series and
 * categories, each once. Their figures are left out. Empty when there is none.
 */
export async function readChartTexts(archive: Archive, relations: Relations): Promise<string> {
  const charts = [...relations.values()].filter(({ type }) => type === "chart").slice(0, maxCharts);
  const texts: string[] = [];
  let left = maxTextCharacters;
  for (const { target } of charts) {
    if (left <= 0) break;
    const chart = new ChartTextVisitor(left);
    // What comes before a damage is kept.
    await readXmlPart(archive, target, chart);
    const text = chart.result();
    left -= text.length;
    if (text !== "") texts.push(text);
  }
  return texts.join("\n\n");
}

/** Collects the text of DrawingML charts. */
class ChartTextVisitor implements XmlVisitor {
  readonly #lines: string[] = [];
  readonly #labels = new Set<string>();
  readonly #most: number;
  #characters = 0;
  #text = "";
  #isText = false;
  #isLabel = false;

  constructor(most: number) {
    this.#most = most;
  }

  enter({ name }: XmlElement): void {
    if (name === "strCache") this.#isLabel = true;
    if (name === "p" || name === "v") this.#text = "";
    this.#isText = name === "t" || (name === "v" && this.#isLabel);
  }

  leave(name: string): void {
    this.#isText = false;
    if (name === "strCache") this.#isLabel = false;
    const text = this.#text.replace(/\s+/g, " ").trim();
    if (text === "" || (name !== "p" && name !== "v")) return;
    if (name === "p") this.#lines.push(text);
    else this.#labels.add(text);
    this.#text = "";
  }

  text(text: string): void {
    if (!this.#isText) return;
    this.#text += text;
    this.#characters += text.length;
  }

  isFull(): boolean {
    return this.#characters > this.#most;
  }

  result(): string {
    return [...this.#lines, [...this.#labels].join(" | ")].filter((line) => line !== "").join("\n");
  }
}
