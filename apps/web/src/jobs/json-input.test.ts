import { describe, expect, it } from "vitest";
import { problemFrom } from "../api/problem.ts";
import { errorsByField, readJson } from "./json-input.ts";

function refusal(...errors: { pointer: string; detail: string }[]) {
  const body = JSON.stringify({ code: "invalid_request", detail: "Some fields are wrong.", errors });
  return problemFrom({ status: 422, body, retryAfter: null });
}

describe("readJson", () => {
  it("takes nothing for an empty object", () => {
    expect(readJson("  \n")).toEqual({ value: {} });
  });

  it("takes any JSON value", () => {
    expect(readJson("[1]")).toEqual({ value: [1] });
  });

  it("says that it is none", () => {
    expect(readJson("{a: 1}")).toHaveProperty("error");
  });
});

describe("errorsByField", () => {
  it("brings each error to its field, with the place below it", () => {
    const { fields, rest } = errorsByField(
      refusal(
        { pointer: "/input/pages/0", detail: "must be a number" },
        { pointer: "/body/input", detail: "has an unknown field" },
        { pointer: "/options/priority", detail: "is too high" },
      ),
      ["input", "priority"],
    );

    expect(fields).toEqual({
      input: "pages.0: must be a number\nhas an unknown field",
      priority: "is too high",
    });
    expect(rest).toBeUndefined();
  });

  it("keeps what belongs to no field for the whole form", () => {
    const { rest } = errorsByField(refusal({ pointer: "/options/tags", detail: "are too many" }), ["input"]);

    expect(rest).toBe("Some fields are wrong. /options/tags: are too many");
  });

  it("says what went wrong when no field is named", () => {
    expect(errorsByField(new Error("No answer."), ["input"]).rest).toBe("No answer.");
  });
});
