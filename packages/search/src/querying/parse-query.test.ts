import { describe, expect, it } from "vitest";
import { parseQuery } from "./parse-query.ts";

const empty = { words: "", phrases: [], excluded: [], fields: [] };

describe("parseQuery", () => {
  it("takes plain words as they are", () => {
    expect(parseQuery("why did the margin fall?")).toEqual({ ...empty, words: "why did the margin fall?" });
  });

  it.each(['"gross margin" fell', "“gross margin” fell"])("requires the phrase of %s", (query) => {
    expect(parseQuery(query)).toEqual({ ...empty, words: "gross margin fell", phrases: ["gross margin"] });
  });

  it("leaves out what follows a minus", () => {
    expect(parseQuery('mill -water -"wind mill"')).toEqual({
      ...empty,
      words: "mill",
      excluded: ["water", "wind mill"],
    });
  });

  it("keeps the hyphen within a word", () => {
    expect(parseQuery("well-known state-of-the-art").words).toBe("well-known state-of-the-art");
  });

  it("reads fields, with one word or several", () => {
    expect(parseQuery('title:"annual report" type:pdf after:2025-01-31 freight')).toEqual({
      ...empty,
      words: "freight",
      fields: [
        { field: "title", value: "annual report" },
        { field: "type", value: "pdf" },
        { field: "after", value: "2025-01-31" },
      ],
    });
  });

  it("takes a name that is no field for a word", () => {
    expect(parseQuery("http://example.org note:x").words).toBe("http://example.org note:x");
  });

  it.each(["", "   ", '"', '""', "-", "title:", '"  "'])("finds nothing to ask for in %j", (query) => {
    expect({ ...parseQuery(query), words: "" }).toEqual(empty);
  });
});
