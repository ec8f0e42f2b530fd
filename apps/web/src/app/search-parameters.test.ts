import { describe, expect, it } from "vitest";
import { parseSearch, stringifySearch } from "./search-parameters.ts";

describe("search parameters", () => {
  it.each(["123", "true", '{"a":1}', "a&b=c", "Größe", '"exact phrase"'])("keep %s as it was typed", (q) => {
    expect(parseSearch(stringifySearch({ q }))).toEqual({ q });
  });

  it("leave out what is not set", () => {
    expect(stringifySearch({ q: undefined, status: "" })).toBe("");
    expect(stringifySearch({ q: "a", cursor: undefined })).toBe("?q=a");
  });
});
