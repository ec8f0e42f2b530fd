import { expect, it } from "vitest";
import { countTests } from "./test-report.ts";

it("counts passed, failed and skipped tests over all files", () => {
  const report = {
    testResults: [
      { status: "passed", assertionResults: [{ status: "passed" }, { status: "passed" }] },
      { status: "failed", assertionResults: [{ status: "failed" }, { status: "pending" }] },
    ],
  };

  expect(countTests(JSON.stringify(report))).toEqual({ passed: 2, failed: 1, skipped: 1 });
});

it("counts a file that could not be loaded as one failure", () => {
  const report = { testResults: [{ status: "failed", assertionResults: [] }] };

  expect(countTests(JSON.stringify(report))).toEqual({ passed: 0, failed: 1, skipped: 0 });
});

it("counts a failed hook of a file whose tests all passed as one failure", () => {
  const report = { testResults: [{ status: "failed", assertionResults: [{ status: "passed" }] }] };

  expect(countTests(JSON.stringify(report))).toEqual({ passed: 1, failed: 1, skipped: 0 });
});
