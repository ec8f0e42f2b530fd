import { MillraceError } from "@millrace/kernel";
import type { ErrorKind } from "@millrace/kernel";
import { describe, expect, it } from "vitest";
import { exitCodeOf, exitCodes, worstExitCode } from "./exit-codes.ts";

const failure = (code: string, kind: ErrorKind) => new MillraceError({ code, kind, message: "A message" });

describe("exitCodeOf", () => {
  it.each([
    [failure("invalid_arguments", "invalid"), exitCodes.usage],
    [failure("invalid_settings", "invalid"), exitCodes.usage],
    [failure("document_not_found", "not_found"), exitCodes.notFound],
    [failure("unauthorized", "unauthorized"), exitCodes.unauthorized],
    [failure("host_not_allowed", "forbidden"), exitCodes.unauthorized],
    [failure("wait_timed_out", "unavailable"), exitCodes.timedOut],
    [failure("unsupported_file_type", "unsupported"), exitCodes.failed],
    [new Error("not ours"), exitCodes.failed],
  ])("tells %o as %i", (error, code) => {
    expect(exitCodeOf(error)).toBe(code);
  });
});

describe("worstExitCode", () => {
  it("is ok when nothing was done", () => {
    expect(worstExitCode([])).toBe(exitCodes.ok);
  });

  it("lets the highest win, in whatever order", () => {
    expect(worstExitCode([exitCodes.jobFailed, exitCodes.ok, exitCodes.notFound])).toBe(exitCodes.jobFailed);
  });
});
