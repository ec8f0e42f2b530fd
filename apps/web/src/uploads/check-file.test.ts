import { describe, expect, it } from "vitest";
import { refusalOf } from "./check-file.ts";

/** Of what a server says of itself. */
const limits = { max_upload_bytes: 1000, file_types: ["pdf", "docx", "text"] };

describe("refusalOf", () => {
  it.each(["report.pdf", "scan.bak", "form.dotx", "show.ppsx", "photo.jfif", "run.sh", "old.zip", "README"])(
    "leaves %s to the server, which looks inside",
    (name) => {
      expect(refusalOf(new File(["What it holds."], name), limits)).toBeUndefined();
    },
  );

  it("refuses an empty file", () => {
    expect(refusalOf({ size: 0 }, limits)).toContain("empty");
  });

  it("names both sizes of a file that is too large", () => {
    expect(refusalOf({ size: 4000 }, limits)).toMatch(/4 kB.*1 kB/);
  });

  it("lets a large file go while the server's limit is not known", () => {
    expect(refusalOf({ size: 4000 }, undefined)).toBeUndefined();
  });
});
