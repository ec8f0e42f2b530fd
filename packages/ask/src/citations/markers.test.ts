import { describe, expect, it } from "vitest";
import { Markers } from "./markers.ts";

function renumber(pieces: readonly string[], known: readonly number[]): string {
  const markers = new Markers((passage) => known.includes(passage));
  return pieces.map((piece) => markers.add(piece)).join("") + markers.end();
}

describe("markers in an answer", () => {
  const answer = "It grinds rye [7]. It stands by the river [3, 7], says a [note].";

  it("are numbered from 1 in their order, whatever pieces they come in", () => {
    const expected = "It grinds rye [1]. It stands by the river [2][1], says a [note].";

    expect(renumber([answer], [3, 7])).toBe(expected);
    expect(renumber(answer.split(""), [3, 7])).toBe(expected);
  });

  it("are left out for passages that may not be cited", () => {
    expect(renumber(answer.split(""), [3])).toBe("It grinds rye. It stands by the river [1], says a [note].");
  });

  it("keep what only began as a marker", () => {
    expect(renumber(["Between [1", " and more"], [1])).toBe("Between [1 and more");
    expect(renumber(["It ends with [1"], [1])).toBe("It ends with [1");
  });
});
