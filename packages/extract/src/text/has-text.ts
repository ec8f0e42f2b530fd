/** Whether a text has anything that can be read. */
export function hasText(text: string): boolean {
  return /[\p{L}\p{N}]/u.test(text);
}
