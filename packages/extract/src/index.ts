export { detectFileType } from "./detection/detect-file-type.ts";
export type { DetectedFile } from "./detection/detect-file-type.ts";
export { fileTypes } from "./extracted-text.ts";
export type { ExtractedText, ExtractionWarning, FileType, PageRange } from "./extracted-text.ts";
export { createExtractor } from "./extractor.ts";
export type { ExtractionProgress, ExtractionRequest, Extractor, ExtractorOptions } from "./extractor.ts";
export { headBytes } from "./limits.ts";
