/** As long as the `title` and `file_name` columns are wide. */
const maxLength = 255;

/**
 * Characters that make a name show something else than it is, or break a line, a header or a log:
 * controls, bidirectional marks and overrides, zero-width characters, line separators, the byte
 * order mark and lone surrogates.
 */
const invisible = /[\p{Cc}\p{Cs}\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu;

/**
 * What of a client's file name is safe to store and to show: the last path part, without control
 * and direction-changing characters, at most 255 UTF-16 units with the extension kept. Never used
 * as a path. Gives `untitled` when nothing is left.
 */
export function displayFileName(name: string): string {
  // Bounds the work below; nothing past the last few thousand characters can matter.
  const lastPart = name.slice(-5000).split(/[/\\]/).at(-1) ?? "";
  const visible = lastPart.normalize("NFC").replace(invisible, "").replace(/\s+/gu, " ").trim();
  if (visible === "" || /^\.+$/u.test(visible)) return "untitled";
  return capped(visible);
}

function capped(name: string): string {
  if (name.length <= maxLength) return name;
  const extension = /\.[\p{L}\p{N}]{1,10}$/u.exec(name)?.[0] ?? "";
  const stem = name.slice(0, maxLength - extension.length - 1).replace(/[\uD800-\uDBFF]$/u, "");
  return `${stem.trimEnd()}…${extension}`;
}

/**
 * The value of `Content-Disposition` for a download under this name (RFC 6266): a plain ASCII form
 * for old clients and the real one, both free of quotes and line breaks. Always `attachment`, so
 * that an uploaded page is never run on our origin.
 */
export function attachmentDisposition(name: string): string {
  const shown = displayFileName(name);
  const ascii = shown
    .normalize("NFKD")
    .replace(/[^\x20-\x7e]/gu, "_")
    .replace(/["\\%]/gu, "_");
  const encoded = encodeURIComponent(shown).replace(
    /['()*]/gu,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}
