import type { TextItem } from "pdfjs-dist/types/src/display/api.js";
import { isVisible } from "./pieces.ts";

/**
 * Turns the pieces of a page so that most of its text runs from left to right, as its reader holds it: a table across a
 * page, or a page that is stored lying. Their transforms are changed in place; pieces turned otherwise stay turned.
 */
export function standUpright(items: readonly TextItem[]): void {
  const characters = [0, 0, 0, 0];
  for (const item of items) {
    if (!isVisible(item)) continue;
    const turn = quarterTurnOf(item);
    characters[turn] = (characters[turn] ?? 0) + item.str.length;
  }
  const turn = characters.indexOf(Math.max(...characters));
  if (turn === 0) return;
  for (const item of items) item.transform = turnBack(item.transform.map(Number), turn);
}

/** How often its text was turned by 90 degrees against the clock, to the nearest. */
function quarterTurnOf({ transform }: TextItem): number {
  const [a, b] = transform.map(Number);
  const turns = Math.round(Math.atan2(b ?? 0, a ?? 0) / (Math.PI / 2));
  return Number.isFinite(turns) ? (turns + 4) % 4 : 0;
}

function turnBack(transform: readonly number[], turn: number): number[] {
  const turned: number[] = [];
  for (let at = 0; at < transform.length; at += 2) {
    const [x, y] = [transform[at] ?? 0, transform[at + 1] ?? 0];
    turned.push(...(turn === 1 ? [y, -x] : turn === 2 ? [-x, -y] : [-y, x]));
  }
  return turned;
}
