import { contentTypeNotAllowed } from "./outbound-errors.ts";

export type ContentType = { readonly type: string; readonly charset: string | undefined };

/** What the header names, in lower case; an empty type where there is none. */
export function parseContentType(header: string | undefined): ContentType {
  const [type = "", ...parameters] = (header ?? "").toLowerCase().split(";");
  const charset = parameters.map((each) => /^\s*charset\s*=\s*"?([^"\s]+)"?\s*$/.exec(each)?.[1]);
  return { type: type.trim(), charset: charset.find((each) => each !== undefined) };
}

/** `text/*` stands for all types of text. Throws `content_type_not_allowed`. */
export function assertContentType(type: string, allowed: readonly string[]): void {
  const fits = (pattern: string): boolean =>
    pattern.endsWith("/*") ? type.startsWith(pattern.slice(0, -1)) : type === pattern;
  if (!allowed.some(fits)) throw contentTypeNotAllowed(type);
}

/** Never throws: what does not fit the character set is replaced. */
export function decodeText(body: Uint8Array, charset = "utf-8"): string {
  try {
    return new TextDecoder(charset).decode(body);
  } catch {
    // No such character set: most that name one wrongly write UTF-8.
    return new TextDecoder().decode(body);
  }
}
