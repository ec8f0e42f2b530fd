import { describe, expect, it } from "vitest";
import { acceptedEndings, refusalOf } from "./check-file.ts";

const limits = { max_upload_bytes: 1000, file_types: ["pdf", "docx", "html", "markdown", "text"] };

describe("refusalOf", () => {
  it.each(["report.pdf", "REPORT.PDF", "notes.md", "page.htm", "a.b.txt", "README"])(
    "lets %s pass",
    (name) => {
      expect(refusalOf({ name, size: 10 }, limits)).toBeUndefined();
    },
  );

  it("refuses an empty file", () => {
    expect(refusalOf({ name: "a.pdf", size: 0 }, limits)).toContain("empty");
  });

  it("names both sizes of a file that is too large", () => {
    expect(refusalOf({ name: "a.pdf", size: 4000 }, limits)).toMatch(/4 kB.*1 kB/);
  });

  it("says what to do with an old Word file", () => {
    expect(refusalOf({ name: "letter.doc", size: 10 }, limits)).toContain(".docx");
  });

  it("lists what is read for an unknown ending", () => {
    expect(refusalOf({ name: "movie.mkv", size: 10 }, limits)).toContain(".pdf");
  });

  it("leaves the decision to the server while its limits are not known", () => {
    expect(refusalOf({ name: "movie.mkv", size: 10 }, undefined)).toBeUndefined();
  });
});

describe("acceptedEndings", () => {
  it("follows the types that the server reads and skips those we do not know", () => {
    expect(acceptedEndings({ max_upload_bytes: 1, file_types: ["pdf", "hologram"] })).toEqual([".pdf"]);
  });
});
