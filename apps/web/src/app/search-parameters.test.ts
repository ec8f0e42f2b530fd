import { describe, expect, it } from "vitest";
import { parseSearch, readMoment, stringifySearch } from "./search-parameters.ts";

describe("search parameters", () => {
  it.each(["123", "true", '{"a":1}', "a&b=c", "Größe", '"exact phrase"'])("keep %s as it was typed", (q) => {
    expect(parseSearch(stringifySearch({ q }))).toEqual({ q });
  });

  it("leave out what is not set", () => {
    expect(stringifySearch({ q: undefined, status: "" })).toBe("");
    expect(stringifySearch({ q: "a", cursor: undefined })).toBe("?q=a");
  });
});

describe("readMoment", () => {
  it("takes a moment of any zone", () => {
    expect(readMoment("2026-11-20T13:00:00+01:00")).toBe("2026-11-20T12:00:00.000Z");
  });

  it.each(["soon", "7", "+012026-11-20T12:00:00Z", "2026-13-01T00:00", 5])("takes no %o", (value) => {
    expect(readMoment(value)).toBeUndefined();
  });
});
