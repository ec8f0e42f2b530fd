import { parseJson } from "@millrace/kernel";
import { z } from "zod";

const escape = /^\\(?:u[0-9a-fA-F]{4}|[^u])/;

/**
 * Reads one text out of a JSON object while a model writes it, piece by piece. What is not the JSON that was asked
 * for gives nothing: it is a view of what comes, and the whole answer is read when it is there.
 */
export class JsonTextReader {
  readonly #begin: RegExp;
  #waiting = "";
  #state: "before" | "within" | "after" = "before";

  constructor(field: string) {
    this.#begin = new RegExp(`"${RegExp.escape(field)}"\\s*:\\s*"`);
  }

  /** The next piece of the text. */
  add(piece: string): string {
    if (this.#state === "after") return "";
    this.#waiting += piece;
    if (this.#state === "before") {
      const found = this.#begin.exec(this.#waiting);
      if (found === null) return "";
      this.#state = "within";
      this.#waiting = this.#waiting.slice(found.index + found[0].length);
    }
    return this.#read();
  }

  /** As far as characters are whole. */
  #read(): string {
    const text = this.#waiting;
    let at = 0;
    while (at < text.length) {
      const unit = text.charAt(at);
      if (unit === '"') {
        this.#state = "after";
        break;
      }
      const whole = unit === "\\" ? escape.exec(text.slice(at, at + 6))?.[0] : unit;
      // Half of a character of two units waits for the other one.
      if (whole === undefined || (isFirstHalf(whole) && at + whole.length >= text.length)) break;
      if (isFirstHalf(whole) && text.charAt(at + whole.length) === "\\") {
        const second = escape.exec(text.slice(at + whole.length, at + whole.length + 6))?.[0];
        if (second === undefined) break;
        at += second.length;
      }
      at += whole.length;
    }
    this.#waiting = text.slice(at);
    return unescape(text.slice(0, at));
  }
}

function isFirstHalf(unit: string): boolean {
  return /^(?:\\u[dD][89abAB]|[\ud800-\udbff])/.test(unit);
}

function unescape(text: string): string {
  if (!text.includes("\\")) return text;
  try {
    // Line breaks as they are stand in no JSON, but in what models write.
    const oneLine = text.replaceAll("\n", "\\n").replaceAll("\r", "\\r").replaceAll("\t", "\\t");
    return z.string().parse(parseJson(`"${oneLine}"`));
  } catch {
    // An escape that JSON does not know: shown as it was written.
    return text;
  }
}
