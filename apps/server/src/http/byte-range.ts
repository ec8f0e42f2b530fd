/** The bytes that a `Range` header asks for, `end` included. */
export type ByteRange = { readonly start: number; readonly end: number };

/**
 * The one range of a `Range` header. `whole` without one, and for what a server may ignore (other units, several
 * ranges); `unsatisfiable` when nothing of it is there (RFC 9110, 14.2).
 */
export function parseByteRange(
  header: string | undefined,
  size: number,
): ByteRange | "whole" | "unsatisfiable" {
  const [, first = "", last = ""] = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? "") ?? [];
  if (first === "" && last === "") return "whole";
  if (first === "") {
    const length = Math.min(Number(last), size);
    return length === 0 ? "unsatisfiable" : { start: size - length, end: size - 1 };
  }
  const start = Number(first);
  const end = last === "" ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== "" && Number(last) < start) return "whole";
  return start >= size ? "unsatisfiable" : { start, end };
}
