import type { Document, Progress } from "@millrace/contracts";
import { describe, expect, it } from "vitest";
import { currentStageLabel, stagesOf } from "./stages.ts";
import { testDocument } from "../../test/sample-document.ts";

function progress(stage: string | null): Progress {
  return { percent: 40, stage, message: null, done: null, total: null, unit: null, eta_seconds: null };
}

function states(changes: Partial<Document>): string[] {
  return stagesOf(testDocument(changes)).map(({ state }) => state);
}

describe("stagesOf", () => {
  it("has only the file while the work waits in line", () => {
    expect(states({ status: "uploaded" })).toEqual(["done", "waiting", "waiting", "waiting", "waiting"]);
  });

  it("follows the reported stage", () => {
    expect(states({ status: "processing", progress: progress("indexing") })).toEqual([
      "done",
      "done",
      "current",
      "waiting",
      "waiting",
    ]);
  });

  it("infers the stage when a job reports one it does not know", () => {
    const changes = { status: "processing", progress: progress("polishing"), text_length: 900 } as const;

    expect(currentStageLabel(testDocument(changes))).toBe("Index");
  });

  it("marks the stage that failed and leaves the later ones undone", () => {
    expect(states({ status: "failed" })).toEqual(["done", "failed", "waiting", "waiting", "waiting"]);
  });

  it("never shows the analysis of a partly done document as done", () => {
    expect(states({ status: "partial", text_length: 900 })).toEqual([
      "done",
      "done",
      "done",
      "warning",
      "done",
    ]);
  });

  it("marks where a cancelled document stopped", () => {
    const parts = {
      summary: "done",
      key_points: "pending",
      sentiment: "pending",
      topics: "pending",
    } as const;

    expect(states({ status: "cancelled", text_length: 900, parts })[3]).toBe("cancelled");
  });

  it("counts finished parts", () => {
    const parts = { summary: "done", key_points: "failed", sentiment: "done", topics: "done" } as const;

    expect(stagesOf(testDocument({ status: "partial", text_length: 900, parts }))[3]?.detail).toBe("3 of 4");
  });
});
