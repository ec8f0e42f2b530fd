import { describe, expect, it } from "vitest";
import { progressWords } from "./workflow-progress.tsx";

describe("progressWords", () => {
  it("counts what has ended, and what failed only when something did", () => {
    expect(progressWords({ total: 12, ended: 3, failed: 0, percent: 25 })).toBe("3 of 12 jobs");
    expect(progressWords({ total: 1, ended: 1, failed: 1, percent: 100 })).toBe("1 of 1 job, 1 failed");
  });
});
