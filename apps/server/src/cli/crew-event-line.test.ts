import { describe, expect, it } from "vitest";
import { crewEventLine } from "./crew-event-line.ts";

describe("crewEventLine", () => {
  it("says why a run waits, and for how long", () => {
    const data = { error: "No budget is left.", error_code: "budget_exceeded", retry_in_seconds: 900 };

    expect(crewEventLine("crew_run.put_off", data)).toBe(
      "It waits, and goes on by itself in 900 s: No budget is left.",
    );
  });

  it("says what a guardrail found, and nothing of one that passed", () => {
    const checked = { task: "write", guardrail: "has_source" };

    expect(
      crewEventLine("crew.guardrail_checked", { ...checked, passed: false, problem: "Name a source." }),
    ).toBe("write: has_source did not pass: Name a source.");
    expect(
      crewEventLine("crew.guardrail_checked", { ...checked, passed: true, problem: null }),
    ).toBeUndefined();
  });

  it("leaves out the task of what belongs to none", () => {
    const turn = {
      task: "",
      agent: "Planner",
      outcome: "answered",
      model: "m",
      input_tokens: 1,
      output_tokens: 2,
    };

    expect(crewEventLine("crew.agent_turn", turn)).toBe("Planner answered, 1 + 2 tokens of m");
    expect(crewEventLine("crew.agent_turn", { ...turn, task: "write" })).toMatch(/^write: Planner/);
  });
});
