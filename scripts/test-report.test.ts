import { expect, it } from "vitest";
import { countTests, failedFiles, failedNames, mergeReports } from "./test-report.ts";

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

it("puts the files of a second run in the place of their first results", () => {
  const file = (name: string, status: string) => ({
    name: `/repo/${name}`,
    status,
    assertionResults: [{ fullName: "holds", status }],
  });
  const first = JSON.stringify({ testResults: [file("a.test.ts", "passed"), file("b.test.ts", "failed")] });
  const second = JSON.stringify({ testResults: [file("b.test.ts", "passed")] });

  expect(failedFiles(first)).toEqual(["/repo/b.test.ts"]);
  expect(failedNames(first, "/repo")).toEqual(["b.test.ts > holds"]);
  expect(countTests(mergeReports(first, second))).toEqual({ passed: 2, failed: 0, skipped: 0 });
  expect(countTests(mergeReports(first, first))).toEqual({ passed: 1, failed: 1, skipped: 0 });
});

it("names a file that could not be loaded", () => {
  const report = { testResults: [{ name: "/repo/a.test.ts", status: "failed", assertionResults: [] }] };

  expect(failedNames(JSON.stringify(report), "/repo")).toEqual(["a.test.ts"]);
});
