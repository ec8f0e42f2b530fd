import { readFileSync } from "node:fs";
import { MillraceError, parseJson } from "@millrace/kernel";
import { z } from "zod";

const amount = z.number().min(0).max(100_000);

const priceSchema = z.strictObject({
  input: amount,
  /** Default: as `input`. */
  cached_input: amount.optional(),
  output: amount,
  context: z.number().int().min(1).optional(),
});

/** US dollars per million tokens, and what the model reads and writes at once. */
export type Price = z.infer<typeof priceSchema>;

const vendoredSchema = z.object({ taken_on: z.iso.date(), models: z.record(z.string(), priceSchema) });
const overridesSchema = z.record(z.string(), priceSchema);

/** Prices that a program or an administrator gives: by the name of an endpoint or of a model. */
export type PriceOverrides = z.input<typeof overridesSchema>;

export type Prices = {
  /** The price of an endpoint such as `gemini:gemini-2.5-flash`; undefined when it is not known. */
  readonly find: (endpoint: string) => Price | undefined;
  /** The names that the configuration and the file give. */
  readonly given: readonly string[];
};

/** Of these the vendored prices hold; elsewhere a model of the same name may cost something else, or nothing. */
const vendors: ReadonlySet<string> = new Set(["openai", "gemini", "anthropic"]);

/** The vendored prices, and before them those of the configuration and of the file. Throws `invalid_settings`. */
export function loadPrices(options: {
  /** MODEL_PRICES. */
  readonly file?: string | undefined;
  readonly given?: PriceOverrides | undefined;
}): Prices {
  const { models } = vendoredSchema.parse(
    parseJson(readFileSync(new URL("./prices.json", import.meta.url), "utf8")),
  );
  const overrides = {
    ...parseOverrides(options.given ?? {}, "models.prices"),
    ...(options.file === undefined ? {} : parseOverrides(readFile(options.file), "MODEL_PRICES")),
  };
  return {
    given: Object.keys(overrides),
    find: (endpoint) => {
      const at = endpoint.indexOf(":");
      const [provider, model] = [endpoint.slice(0, at), endpoint.slice(at + 1)];
      const known = vendors.has(provider) ? (models[model] ?? models[withoutDate(model)]) : undefined;
      return overrides[endpoint] ?? overrides[model] ?? known;
    },
  };
}

/** `gpt-5-mini-2025-08-07`, `claude-haiku-4-5-20251001` and `gemini-2.0-flash-001` cost what the plain name costs. */
function withoutDate(model: string): string {
  return model.replace(/(-\d{4}-\d{2}-\d{2}|-\d{8}|-\d{3}|-latest)$/, "");
}

function readFile(path: string): unknown {
  try {
    return parseJson(readFileSync(path, "utf8"));
  } catch (cause) {
    throw invalid("MODEL_PRICES", `${path} can't be read as JSON`, cause);
  }
}

function parseOverrides(value: unknown, pointer: string): z.infer<typeof overridesSchema> {
  const read = overridesSchema.safeParse(value);
  if (read.success) return read.data;
  const issues = read.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
  throw invalid(pointer, issues.join("; "));
}

function invalid(pointer: string, problem: string, cause?: unknown): MillraceError {
  const message = `${problem}. Prices are an object by model: {"openai-compatible:gemma3": {"input": 0, "output": 0}}, in US dollars per million tokens.`;
  return new MillraceError({
    code: "invalid_settings",
    kind: "invalid",
    message: `Some model settings can't be used:\n  ${pointer}: ${message}`,
    cause,
    items: [{ pointer, code: "invalid", message }],
  });
}
