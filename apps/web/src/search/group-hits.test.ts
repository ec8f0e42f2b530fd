import type { SearchHit } from "@millrace/contracts";
import { describe, expect, it } from "vitest";
import { groupHits } from "./group-hits.ts";

function hit(documentId: string, chunkId: string): SearchHit {
  return {
    document_id: documentId,
    document_title: documentId,
    chunk_id: chunkId,
    ordinal: 0,
    char_start: 0,
    char_end: 1,
    page: null,
    section: null,
    score: 1,
    passage: [],
  };
}

describe("groupHits", () => {
  it("keeps the order of the best hits and the order within a document", () => {
    const groups = groupHits([hit("a", "1"), hit("b", "2"), hit("a", "3"), hit("b", "4"), hit("a", "5")]);

    expect(
      groups.map(({ best, others }) => [best.chunk_id, ...others.map((other) => other.chunk_id)]),
    ).toEqual([
      ["1", "3", "5"],
      ["2", "4"],
    ]);
  });

  it("has no group without hits", () => {
    expect(groupHits([])).toEqual([]);
  });
});
