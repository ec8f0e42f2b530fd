export { useOf } from "./guard/call-tokens.ts";
export type { FailedUse } from "./guard/call-tokens.ts";
export type { EndpointState } from "./guard/endpoint.ts";
export type { OwnModels } from "./model-choice.ts";
export { chatChoices } from "./chat-choices.ts";
export { createModels } from "./create-models.ts";
export type {
  ChatChoiceState,
  EmbedResult,
  GenerateObjectRequest,
  GenerateRequest,
  GenerateResult,
  ModelChoice,
  Models,
} from "./models.ts";
export { modelSettingsSchema } from "./settings.ts";
export type { ModelSettings } from "./settings.ts";
export type {
  AnswerStore,
  CallLedger,
  CallLimiter,
  CallOrigin,
  CallRecord,
  CallTokens,
  ModelPorts,
  Reservation,
  StoredAnswer,
  Taken,
} from "./ports.ts";
export type { ChatMessage, ToolCall, ToolDefinition, ToolResult, TurnRequest, TurnResult } from "./turn.ts";
export { builtInOperations } from "./built-in/operations.ts";
export type { BuiltInOperation } from "./built-in/operations.ts";
export type { DetectedLanguage } from "./built-in/reading/language.ts";
export { addUsage } from "./calls/usage.ts";
export type { Usage } from "./calls/usage.ts";
export { probeModels } from "./probe-models.ts";
export type { ProbeReport } from "./probe-models.ts";
export { estimateTokens } from "./text/estimate-tokens.ts";
export { fillPrompt, readPrompts } from "./text/prompt-files.ts";
export type { Prompt } from "./text/prompt-files.ts";
export { runLimited } from "./text/run-limited.ts";
export { splitByStructure } from "./text/split-by-structure.ts";
export type { StructureSplitOptions } from "./text/split-by-structure.ts";
export { splitByTokens } from "./text/split-by-tokens.ts";
export type { SplitOptions, TextChunk } from "./text/split-by-tokens.ts";
export { groupByRoom, roomOf } from "./text/text-room.ts";
export type { TextRoom } from "./text/text-room.ts";
export { readJsonAnswer } from "./calls/json-answer.ts";
export type { JsonAnswer } from "./calls/json-answer.ts";
