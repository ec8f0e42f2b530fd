import { describe, expect, it } from "vitest";
import { standardManager } from "../prompts/manager.ts";
import { findCoworker, inWords } from "./delegation.ts";

const coworkers = [
  { ...standardManager(null), name: "analyst", role: 'Senior "Data" Analyst' },
  { ...standardManager(null), name: "writer", role: "Writer" },
];

describe("findCoworker", () => {
  it.each([
    "senior data analyst",
    ' "Senior Data  Analyst" ',
    "SENIOR_DATA_ANALYST",
    "**Senior Data Analyst**",
    "analyst",
  ])("finds the analyst by %j", (wanted) => {
    expect(findCoworker(coworkers, wanted)?.name).toBe("analyst");
  });

  it.each(["", "   ", "editor", "data"])("finds nobody by %j", (wanted) => {
    expect(findCoworker(coworkers, wanted)).toBeUndefined();
  });
});

describe("inWords", () => {
  it.each([
    ["as it is", "as it is"],
    [{ description: "the work", type: "str" }, "the work"],
    [["writer"], "writer"],
    [{ role: "Writer" }, "Writer"],
    [{ a: 1, b: 2 }, '{"a":1,"b":2}'],
    [["a", "b"], '["a","b"]'],
    [7, "7"],
    [null, ""],
    [undefined, ""],
  ])("reads %j as %j", (value, expected) => {
    expect(inWords(value)).toBe(expected);
  });
});
