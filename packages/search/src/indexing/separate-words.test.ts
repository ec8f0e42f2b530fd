import { describe, expect, it } from "vitest";
import { separateWords } from "./separate-words.ts";

describe("separateWords", () => {
  it("leaves spaced text as it is", () => {
    expect(separateWords("Mills need water, müssen sie.")).toBe("Mills need water, müssen sie.");
  });

  it("separates the words of Chinese text", () => {
    expect(separateWords("北京大学 has students").split(/\s+/)).toEqual(
      expect.arrayContaining(["has", "students"]),
    );
    expect(separateWords("我喜欢读书").trim().split(" ").length).toBeGreaterThan(1);
  });
});
