import { describe, expect, it } from "vitest";
import { testDocument } from "../../test/sample-document.ts";
import { recentOf } from "./recent-order.ts";

describe("recentOf", () => {
  it("puts running work first, then the newest, and each document once", () => {
    const old = testDocument({ id: "old", status: "processing", created_at: "2026-11-01T00:00:00Z" });
    const newest = testDocument({ id: "newest", status: "completed", created_at: "2026-11-20T00:00:00Z" });
    const middle = testDocument({ id: "middle", status: "failed", created_at: "2026-11-10T00:00:00Z" });

    expect(recentOf([middle, old, newest, old], 10).map(({ id }) => id)).toEqual(["old", "newest", "middle"]);
    expect(recentOf([middle, old, newest], 2)).toHaveLength(2);
  });
});
