export { analysePart, isPartUnavailable } from "./analyse-part.ts";
export type { PartOutcome, PartRequest, StepRunner } from "./analyse-part.ts";
export type { PartResults } from "./part-plans.ts";
export type { StepProgress } from "./step-counter.ts";
