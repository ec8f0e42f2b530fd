import { relative } from "node:path";

export type TestCounts = { readonly passed: number; readonly failed: number; readonly skipped: number };

/**
 * Counts the tests of a vitest JSON report. A file that could not be loaded has no tests and counts
 * as one failure; a test that was skipped is counted apart, for a skip is not a pass.
 */
export function countTests(reportText: string): TestCounts {
  const report: unknown = JSON.parse(reportText);
  let [passed, failed, skipped] = [0, 0, 0];
  for (const file of list(report, "testResults")) {
    const results = list(file, "assertionResults").map((result) => text(result, "status"));
    if (text(file, "status") === "failed" && !results.includes("failed")) failed += 1;
    passed += results.filter((status) => status === "passed").length;
    failed += results.filter((status) => status === "failed").length;
    skipped += results.filter((status) => status !== "passed" && status !== "failed").length;
  }
  return { passed, failed, skipped };
}

/** The paths of the files in which something failed, sorted. */
export function failedFiles(reportText: string): string[] {
  const report: unknown = JSON.parse(reportText);
  return list(report, "testResults")
    .filter((file) => hasFailed(file))
    .map((file) => text(file, "name"))
    .toSorted();
}

/** The names of the failed tests, of files and tests: "FILE > TEST". */
export function failedNames(reportText: string, root: string): string[] {
  const report: unknown = JSON.parse(reportText);
  return list(report, "testResults").flatMap((file) => {
    const path = relative(root, text(file, "name"));
    const failed = list(file, "assertionResults").filter((result) => text(result, "status") === "failed");
    const names = failed.map((result) => `${path} > ${text(result, "fullName")}`);
    return hasFailed(file) && names.length === 0 ? [path] : names;
  });
}

/** The report of a first run with the files of a later one in the place of their first results. */
export function mergeReports(firstText: string, laterText: string): string {
  const first: unknown = JSON.parse(firstText);
  const later = list(JSON.parse(laterText), "testResults");
  const again = new Set(later.map((file) => text(file, "name")));
  const kept = list(first, "testResults").filter((file) => !again.has(text(file, "name")));
  return JSON.stringify({ testResults: [...kept, ...later] });
}

function hasFailed(file: unknown): boolean {
  return (
    text(file, "status") === "failed" ||
    list(file, "assertionResults").some((result) => text(result, "status") === "failed")
  );
}

export type TestEntry = { readonly name: string; readonly status: string; readonly durationMs: number };

/** Every test of a vitest JSON report. */
export function listTests(reportText: string): TestEntry[] {
  const report: unknown = JSON.parse(reportText);
  return list(report, "testResults").flatMap((file) =>
    list(file, "assertionResults").map((result) => {
      const durationMs = property(result, "duration");
      return {
        name: text(result, "fullName"),
        status: text(result, "status"),
        durationMs: typeof durationMs === "number" ? durationMs : 0,
      };
    }),
  );
}

function list(value: unknown, key: string): readonly unknown[] {
  const found = property(value, key);
  return Array.isArray(found) ? found : [];
}

function text(value: unknown, key: string): string {
  const found = property(value, key);
  return typeof found === "string" ? found : "";
}

function property(value: unknown, key: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  return Object.entries(value).find(([name]) => name === key)?.[1];
}
