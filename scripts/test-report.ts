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
