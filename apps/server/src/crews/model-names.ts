/**
 * What `llm` may say: the endpoints of the installation by their own names, such as `openai:gpt-4o`, and as CrewAI
 * writes them, `openai/gpt-4o` and `gpt-4o`; and the names that the configuration gives to endpoints.
 */
export function modelNames(
  endpoints: readonly { readonly name: string; readonly kind: "chat" | "embedding" }[],
  own: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const names = new Map<string, string>();
  for (const { name, kind } of endpoints) {
    if (kind !== "chat") continue;
    const at = name.indexOf(":");
    const [provider, model] = [name.slice(0, at), name.slice(at + 1)];
    // The first of two endpoints with the same model: that is the order in which they are asked.
    for (const written of [name, `${provider}/${model}`, model]) {
      if (!names.has(written)) names.set(written, name);
    }
  }
  return { ...Object.fromEntries(names), ...own };
}
