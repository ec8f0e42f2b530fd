import { expect, it } from "vitest";
import { testAnalysis, testDocument } from "../../test/sample-document.ts";
import { viewFromRequests } from "./document-view.ts";

it("says after a reload why a document waits, as events do", () => {
  const until = "2026-11-21T12:01:00.000Z";
  const putOff = { code: "budget_exceeded", message: "No budget is left.", until, failed_attempt: null };

  const view = viewFromRequests(testDocument({ put_off: putOff }), testAnalysis());

  expect(view.plannedRetry).toEqual({ attempt: null, error: "No budget is left.", retryAt: until });
  expect(viewFromRequests(testDocument(), testAnalysis()).plannedRetry).toBeNull();
});
