import { describe, expect, it } from "vitest";
import { fuse } from "./fuse.ts";

const text = (...ids: string[]) => ids.map((id) => ({ id, score: 1, coverage: 1 }));
const vectors = (...ids: string[]) => ids.map((id) => ({ id, similarity: 0.9 }));
const idsOf = (fused: readonly { readonly id: string }[]) => fused.map(({ id }) => id);

describe("fuse", () => {
  it("puts what both sides found before what one found", () => {
    expect(idsOf(fuse(text("a", "b"), vectors("c", "b"), { text: 1, vectors: 1 }))).toEqual(["b", "a", "c"]);
  });

  it("keeps the order of full text where vectors weigh little", () => {
    const fused = fuse(text("a", "b", "c"), vectors("z", "y"), { text: 1, vectors: 0.2 });

    expect(idsOf(fused)).toEqual(["a", "b", "c", "z", "y"]);
  });

  it("says by which place on which side a passage was found", () => {
    const [first] = fuse(text("a"), vectors("b", "a"), { text: 1, vectors: 1 });

    expect(first).toMatchObject({ id: "a", text: { rank: 1 }, vectors: { rank: 2, similarity: 0.9 } });
    expect(first?.score).toBeCloseTo(1 / 61 + 1 / 62);
  });

  it("orders equal scores by id", () => {
    expect(idsOf(fuse(text("b"), vectors("a"), { text: 1, vectors: 1 }))).toEqual(["a", "b"]);
  });
});
