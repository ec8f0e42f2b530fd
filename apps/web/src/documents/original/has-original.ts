import type { Document } from "@millrace/contracts";

/** Whether there is something to look at beside the text. */
export function hasOriginalToShow({ file_name: name, file_type: type }: Document): boolean {
  return name !== null && (type === "pdf" || type === "image");
}
