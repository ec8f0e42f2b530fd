/** Requests and tokens a minute; undefined: no limit. */
export type ModelLimit = { readonly requests: number | undefined; readonly tokens: number | undefined };

export type ModelLimits = ReadonlyMap<string, ModelLimit>;

const example = "Write openai:gpt-5-mini=500rpm,200000tpm, and a semicolon between models.";

/** Reads `MODEL=500rpm,200000tpm;MODEL=…`. */
export function parseModelLimits(
  text: string,
): { readonly limits: ModelLimits } | { readonly problem: string } {
  const limits = new Map<string, ModelLimit>();
  for (const part of text.split(";").map((piece) => piece.trim())) {
    if (part === "") continue;
    // The last one: names of models may have one of their own.
    const at = part.lastIndexOf("=");
    const model = part.slice(0, Math.max(0, at)).trim();
    const limit = parseLimit(part.slice(at + 1));
    if (model === "" || limit === undefined)
      return { problem: `${JSON.stringify(part)} can't be read. ${example}` };
    if (limits.has(model)) return { problem: `${model} stands there twice. ${example}` };
    limits.set(model, limit);
  }
  return { limits };
}

function parseLimit(text: string): ModelLimit | undefined {
  const found = new Map<string, number>();
  for (const part of text.split(",")) {
    const match = /^\s*(\d{1,12})\s*(rpm|tpm)\s*$/.exec(part);
    const [, digits = "", unit = ""] = match ?? [];
    if (match === null || Number(digits) < 1 || found.has(unit)) return undefined;
    found.set(unit, Number(digits));
  }
  return { requests: found.get("rpm"), tokens: found.get("tpm") };
}
