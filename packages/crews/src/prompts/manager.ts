import type { CrewAgent } from "../definition/crew.ts";

/** The manager of a hierarchical crew that names none of its own. */
export function standardManager(model: string | null): CrewAgent {
  return {
    name: "crew_manager",
    role: "Crew Manager",
    goal: "Get the task done as well as possible by giving each part of it to the right coworker.",
    backstory:
      "You lead a team. You do not do the work yourself: you divide it, give it to the coworkers who are best at it, ask them when something is unclear, and judge what they hand in. You know that a coworker sees only what you tell them.",
    model,
    tools: [],
    mayDelegate: true,
    maxTurns: 25,
    maxRequestsPerMinute: null,
    maxSeconds: null,
    retries: 2,
    maxOutputTokens: null,
    hasCache: true,
    stepCallbacks: [],
    templates: null,
    hasSystemPrompt: true,
    shortensContext: true,
    planAttempts: 0,
    dateFormat: null,
    guardrail: null,
    toolFailurePolicy: "warn",
  };
}
