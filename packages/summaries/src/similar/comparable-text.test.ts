import { describe, expect, it } from "vitest";
import { comparableText, haveSameFacts } from "./comparable-text.ts";

it("compares texts whatever their capitals and white space", () => {
  expect(comparableText("The  MILL\r\n\tstands. ")).toBe("the mill stands.");
});

describe("figures and names", () => {
  const text = "The mill of Aarle ground 1,200 sacks in 2025, and sold most of them.";

  it.each([
    ["another word", "The mill of Aarle ground 1,200 sacks in 2025, and sold nearly all of them.", true],
    ["another figure", "The mill of Aarle ground 1,300 sacks in 2025, and sold most of them.", false],
    ["another place", "The mill of Best ground 1,200 sacks in 2025, and sold most of them.", false],
    ["one less", "The mill ground 1,200 sacks in 2025, and sold most of them.", false],
  ])("with %s", (_what, other, expected) => {
    expect(haveSameFacts(text, other)).toBe(expected);
  });
});
