import { describe, expect, it } from "vitest";
import { HeapMessageFinder } from "./heap-message-finder.ts";

function isFoundIn(chunks: readonly string[]): boolean {
  const finder = new HeapMessageFinder();
  for (const chunk of chunks) finder.read(Buffer.from(chunk));
  return finder.isFound;
}

describe("the last words of a process with a full heap", () => {
  it("are found when they come in pieces", () => {
    const chunks = [
      "FATAL ERROR: Reached heap limit Allocation failed - Java",
      "Script heap out",
      " of memory\n",
    ];

    expect(isFoundIn(chunks)).toBe(true);
  });

  it("are remembered when more follows", () => {
    expect(isFoundIn(["JavaScript heap out of memory", "x".repeat(10_000)])).toBe(true);
  });

  it("are not found in other words", () => {
    expect(isFoundIn(["out of memory", "a JavaScript error"])).toBe(false);
  });
});
