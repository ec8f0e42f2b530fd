export { summaryHeaders } from "./accept-summary.ts";
export { findSummaryProblems, summaryChecks } from "./find-summary-problems.ts";
export * from "./live/index.ts";
export { handleMakeSummary } from "./make/make-summary.ts";
export { Summaries } from "./summaries.ts";
