import type { System } from "@millrace/contracts";
import { formatBytes, formatLimit } from "../formatting/numbers.ts";

/**
 * Why a file would be refused and what to do about it, or undefined when it may be sent. Only what is
 * certain without its content: what a file is, the server finds out from its bytes, whatever its name.
 */
export function refusalOf(
  file: { readonly size: number },
  limits: Pick<System, "max_upload_bytes"> | undefined,
): string | undefined {
  if (file.size === 0) return "This file is empty. Check that it was saved, or add another one.";
  if (limits === undefined || file.size <= limits.max_upload_bytes) return undefined;
  return `This file has ${formatBytes(file.size)}; at most ${formatLimit(limits.max_upload_bytes)} are allowed. Split it, or raise MAX_UPLOAD_BYTES.`;
}
