export type {
  CallbackOccasion,
  Crew,
  CrewAgent,
  CrewCallback,
  CrewCondition,
  CrewInputs,
  CrewRegistries,
  CrewTask,
  GuardrailCheck,
  GuardrailVerdict,
  TaskOutput,
} from "./definition/crew.ts";
export { loadCrew } from "./definition/load-crew.ts";
export type { CrewSource } from "./definition/load-crew.ts";
export { loadCrews } from "./definition/load-crews.ts";
export type { LoadedCrews } from "./definition/load-crews.ts";
export { placeOf } from "./errors.ts";
export type { CrewProblem } from "./errors.ts";
export { missingInputs } from "./prompts/interpolate.ts";
export { jobRuntime } from "./run/job-runtime.ts";
export type { JobRuntimeOptions } from "./run/job-runtime.ts";
export { runCrew } from "./run/run-crew.ts";
export type { CrewResult, CrewRunOptions } from "./run/run-crew.ts";
export { CrewRuns } from "./runs/crew-runs.ts";
export type { RunReference } from "./runs/crew-runs.ts";
export { getCrewView, listCrewViews } from "./runs/crew-view.ts";
export { handleCrewRun } from "./runs/handle-crew-run.ts";
export { ToldEvents } from "./runs/told-events.ts";
export { pruneCrewRuns } from "./runs/prune-runs.ts";
export { crewEventTypes } from "./run/runtime.ts";
export type { CrewEvent, CrewFile, CrewRuntime, CrewText, PersonQuestion } from "./run/runtime.ts";
export type { CrewUsage } from "./run/usage.ts";
export { calculator } from "./tools/calculator.ts";
export { documentTools } from "./tools/document-tools.ts";
export type { DocumentLibrary, FoundPassage, ReadPassage } from "./tools/document-tools.ts";
export { fetchUrlTool } from "./tools/fetch-url.ts";
export type { FetchedText, FetchText } from "./tools/fetch-url.ts";
export { defineTool } from "./tools/tool.ts";
export type { ModelUse, Tool, ToolCallContext, ToolContext, ToolOptions, ToolScope } from "./tools/tool.ts";
