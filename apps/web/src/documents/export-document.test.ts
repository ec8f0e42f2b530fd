import { describe, expect, it } from "vitest";
import { exportFileName, exportMarkdown } from "./export-document.ts";
import { testAnalysis, testDocument } from "../../test/sample-document.ts";

describe("exportMarkdown", () => {
  it("writes results with their model and reasons where there is none", () => {
    const analysis = testAnalysis();
    analysis.summary = {
      ...analysis.summary,
      state: "done",
      model: "builtin:extractive-1",
      extractive: true,
      result: { text: "Revenue rose." },
    };
    analysis.topics = { ...analysis.topics, state: "failed", reason: "Timed out." };

    const text = exportMarkdown(testDocument({ status: "partial" }), analysis);

    expect(text).toContain("# Q3 report\n\nPDF · q3.pdf · Partly done");
    expect(text).toContain("## Summary\n\nRevenue rose.\n\n_Built-in model, sentences taken from the text_");
    expect(text).toContain("## Topics\n\n_Timed out._");
  });
});

describe("exportFileName", () => {
  it.each([
    ["Q3 report: final?", "Q3-report-final.md"],
    ["../../etc/passwd", "etc-passwd.md"],
    ["Jahresbericht Übersicht", "Jahresbericht-Übersicht.md"],
    ["???", "document.md"],
  ])("makes %s a safe name", (title, name) => {
    expect(exportFileName(title, "md")).toBe(name);
  });
});
