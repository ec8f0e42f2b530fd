/** Why an expression has no value, in words for whoever wrote it. */
export type Calculated =
  | { readonly ok: true; readonly value: number }
  | { readonly ok: false; readonly problem: string };

const maxCharacters = 1000;
const maxDepth = 50;

const constants: Readonly<Record<string, number>> = { pi: Math.PI, e: Math.E };

const functions: Readonly<Record<string, (...values: number[]) => number>> = {
  abs: (value = Number.NaN) => Math.abs(value),
  ceil: (value = Number.NaN) => Math.ceil(value),
  floor: (value = Number.NaN) => Math.floor(value),
  round: (value = Number.NaN, digits = 0) => Math.round(value * 10 ** digits) / 10 ** digits,
  sqrt: (value = Number.NaN) => Math.sqrt(value),
  exp: (value = Number.NaN) => Math.exp(value),
  ln: (value = Number.NaN) => Math.log(value),
  log: (value = Number.NaN) => Math.log10(value),
  min: (...values) => Math.min(...values),
  max: (...values) => Math.max(...values),
  sum: (...values) => values.reduce((total, value) => total + value, 0),
  avg: (...values) => values.reduce((total, value) => total + value, 0) / values.length,
};

class NoValue extends Error {}

/**
 * The value of an arithmetic expression: + - * / % ^ and brackets, a few functions, `pi` and `e`. Not a language:
 * it has no names but these, no loops, and takes time in proportion to its length.
 */
export function calculate(expression: string): Calculated {
  if (expression.length > maxCharacters)
    return { ok: false, problem: `The expression is longer than ${maxCharacters} characters.` };
  try {
    const value = new Parser(tokensOf(expression)).parse();
    if (!Number.isFinite(value)) return { ok: false, problem: "The result is not a finite number." };
    return { ok: true, value };
  } catch (error) {
    if (error instanceof NoValue) return { ok: false, problem: error.message };
    throw error;
  }
}

function tokensOf(expression: string): string[] {
  const pattern = /\s*(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\.\d+|[A-Za-z]\w*|\*\*|[-+*/%^(),])/y;
  const text = expression.replaceAll("×", "*").replaceAll("÷", "/").replaceAll("−", "-").trim();
  const tokens: string[] = [];
  while (pattern.lastIndex < text.length) {
    const from = pattern.lastIndex;
    const match = pattern.exec(text);
    if (match?.[1] === undefined)
      throw new NoValue(`${JSON.stringify(text.slice(from, from + 20).trim())} is not arithmetic.`);
    tokens.push(match[1] === "**" ? "^" : match[1]);
  }
  return tokens;
}

/** Sums of products of powers, each level a method. */
class Parser {
  readonly #tokens: readonly string[];
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens;
  }

  parse(): number {
    if (this.#tokens.length === 0) throw new NoValue("There is nothing to calculate.");
    const value = this.#sum();
    const rest = this.#tokens[this.#at];
    if (rest !== undefined) throw new NoValue(`There is something wrong at ${JSON.stringify(rest)}.`);
    return value;
  }

  #sum(): number {
    this.#depth += 1;
    if (this.#depth > maxDepth) throw new NoValue("The brackets are nested too deeply.");
    let value = this.#product();
    for (let sign = this.#take("+", "-"); sign !== undefined; sign = this.#take("+", "-"))
      value = sign === "+" ? value + this.#product() : value - this.#product();
    this.#depth -= 1;
    return value;
  }

  #product(): number {
    let value = this.#signed();
    for (let sign = this.#take("*", "/", "%"); sign !== undefined; sign = this.#take("*", "/", "%")) {
      const right = this.#signed();
      if (sign !== "*" && right === 0) throw new NoValue("Nothing can be divided by zero.");
      if (sign === "*") value *= right;
      else value = sign === "/" ? value / right : value % right;
    }
    return value;
  }

  #signed(): number {
    let isNegative = false;
    for (let sign = this.#take("-", "+"); sign !== undefined; sign = this.#take("-", "+"))
      if (sign === "-") isNegative = !isNegative;
    const value = this.#power();
    return isNegative ? -value : value;
  }

  #power(): number {
    const base = this.#atom();
    if (this.#take("^") === undefined) return base;
    this.#depth += 1;
    if (this.#depth > maxDepth) throw new NoValue("The powers are nested too deeply.");
    const value = base ** this.#signed();
    this.#depth -= 1;
    return value;
  }

  #atom(): number {
    const token = this.#tokens[this.#at];
    if (token === undefined) throw new NoValue("The expression ends too early.");
    this.#at += 1;
    if (/^[\d.]/.test(token)) return Number(token);
    if (token === "(") {
      const value = this.#sum();
      this.#expect(")");
      return value;
    }
    const name = token.toLowerCase();
    const constant = Object.hasOwn(constants, name) ? constants[name] : undefined;
    if (constant !== undefined) return constant;
    const run = Object.hasOwn(functions, name) ? functions[name] : undefined;
    if (run === undefined)
      throw new NoValue(
        `${JSON.stringify(token)} is not known. Functions: ${Object.keys(functions).join(", ")}.`,
      );
    return run(...this.#values());
  }

  #values(): number[] {
    this.#expect("(");
    const values = [this.#sum()];
    while (this.#take(",") !== undefined) values.push(this.#sum());
    this.#expect(")");
    return values;
  }

  #take(...wanted: readonly string[]): string | undefined {
    const token = this.#tokens[this.#at];
    if (token === undefined || !wanted.includes(token)) return undefined;
    this.#at += 1;
    return token;
  }

  #expect(token: string): void {
    if (this.#take(token) === undefined) throw new NoValue(`A ${JSON.stringify(token)} is missing.`);
  }
}
