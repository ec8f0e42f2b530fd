/** A text as it is compared: how it is set, and capitals, make no difference. */
export function comparableText(text: string): string {
  return text.normalize("NFKC").toLowerCase().replace(/\s+/gu, " ").trim();
}

/**
 * The figures and the words with a capital of a text, each once. Texts that differ in one of them tell of another
 * thing, however near their vectors are: the minutes of another meeting, the invoice of another month.
 */
function factsOf(text: string): ReadonlySet<string> {
  const found = text.normalize("NFKC").match(/[\p{L}\p{N}]+(?:[.,:'’-][\p{L}\p{N}]+)*/gu) ?? [];
  return new Set(found.filter((word) => /\p{N}|^\p{Lu}/u.test(word)));
}

/** Whether two texts have the same figures and names. */
export function haveSameFacts(left: string, right: string): boolean {
  const facts = factsOf(left);
  const others = factsOf(right);
  return facts.size === others.size && [...facts].every((fact) => others.has(fact));
}
