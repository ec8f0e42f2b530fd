import { textOf } from "./page-blocks.ts";
import type { PageBlock } from "./page-blocks.ts";

/**
 * Leaves out running heads: the same words in the same place on three pages or on half of them. Their page number may
 * differ, which "Chapter 2" after "Chapter 1" does not as pages do.
 */
export function withoutRunningHeads<Found extends { readonly page: number; readonly block: PageBlock }>(
  found: readonly Found[],
  pages: readonly string[],
): readonly Found[] {
  const keyOf = ({ page, block }: Found): string => {
    const text = textOf(pages, page, block).replace(/\d{1,6}/, (number) => `#${Number(number) - page}`);
    return `${Math.round(block.y)} ${text}`;
  };
  const counts = new Map<string, number>();
  for (const one of found) counts.set(keyOf(one), (counts.get(keyOf(one)) ?? 0) + 1);
  const most = Math.min(3, Math.max(2, pages.length / 2));
  return found.filter((one) => (counts.get(keyOf(one)) ?? 0) < most);
}
