export { checkModelSettings } from "./choice.ts";
export type { OwnModels } from "./choice.ts";
export { createModels } from "./create-models.ts";
export type {
  EmbedResult,
  GenerateObjectRequest,
  GenerateRequest,
  GenerateResult,
  ModelChoice,
  Models,
} from "./models.ts";
export { modelSettings, modelSettingsSchema } from "./settings.ts";
export type { ModelSettings } from "./settings.ts";
export { builtInOperations } from "./built-in/operations.ts";
export type { BuiltInOperation } from "./built-in/operations.ts";
export type { DetectedLanguage } from "./built-in/reading/language.ts";
export type { Usage } from "./calls/generate.ts";
export { addUsage } from "./calls/structured.ts";
export { estimateTokens } from "./text/estimate-tokens.ts";
export { splitByTokens } from "./text/split-by-tokens.ts";
export type { SplitOptions, TextChunk } from "./text/split-by-tokens.ts";
