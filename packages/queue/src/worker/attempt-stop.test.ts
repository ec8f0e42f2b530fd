import { stopReason } from "@millrace/kernel";
import type { StopReason } from "@millrace/kernel";
import { describe, expect, it } from "vitest";
import { AttemptStop } from "./attempt-stop.ts";

function stopped(...reasons: StopReason[]): AttemptStop {
  const attempt = new AttemptStop();
  for (const reason of reasons) attempt.stop(reason);
  return attempt;
}

describe("AttemptStop", () => {
  it("counts a cancel or a shutdown after the soft limit", () => {
    const attempt = stopped("timed_out", "cancelled");

    expect(attempt.reason).toBe("cancelled");
    expect(stopReason(attempt.signal)).toBe("timed_out");
    expect(stopped("timed_out", "shutdown").reason).toBe("shutdown");
  });

  it("keeps a lost lease lost, and a stop a stop when the soft limit comes", () => {
    expect(stopped("lease_lost", "cancelled").reason).toBe("lease_lost");
    expect(stopped("shutdown", "timed_out").reason).toBe("shutdown");
  });

  it("tells of each reason once, also of one that came before", () => {
    const attempt = stopped("timed_out");
    const told: StopReason[] = [];

    attempt.onStop((reason) => told.push(reason));
    attempt.stop("shutdown");
    attempt.stop("shutdown");
    attempt.stop("lease_lost");

    expect(told).toEqual(["timed_out", "shutdown", "lease_lost"]);
  });
});
