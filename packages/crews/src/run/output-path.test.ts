import { errorCode } from "@millrace/kernel";
import { describe, expect, it } from "vitest";
import { outputPath } from "./output-path.ts";

describe("outputPath", () => {
  it.each([
    ["report.md", "report.md"],
    ["/out/report.md", "out/report.md"],
    ["./out//a b.md", "out/a b.md"],
  ])("keeps %s inside the folder", (path, expected) => {
    expect(outputPath(path)).toBe(expected);
  });

  it.each([
    "",
    "/",
    "..",
    "../x",
    "a/../../x",
    "~/x",
    "$HOME/x",
    "a|b",
    "a;b",
    "C:\\x",
    "a\u0000b",
    "a/",
    "x".repeat(300),
  ])("refuses %j", (path) => {
    let code = "";
    try {
      outputPath(path);
    } catch (error) {
      code = errorCode(error);
    }

    expect(code).toBe("crew_output_file_invalid");
  });
});
