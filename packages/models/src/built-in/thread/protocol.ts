import type { ErrorKind } from "@millrace/kernel";
import type { AnalysisRequest } from "../analyse.ts";
import type { DetectedLanguage } from "../reading/language.ts";

/** What the built-in model's thread can be asked for, and what each question is answered with. */
export type ThreadQuestions = {
  analyse: { request: AnalysisRequest; answer: unknown };
  embed: { request: { readonly texts: readonly string[] }; answer: number[][] };
  detect_language: { request: { readonly text: string }; answer: DetectedLanguage };
};

export type ThreadRequest = {
  [Name in keyof ThreadQuestions]: {
    readonly question: Name;
    readonly request: ThreadQuestions[Name]["request"];
  };
}[keyof ThreadQuestions];

/** An error that crossed the thread boundary: classes don't survive it. */
export type ThreadError = {
  readonly code: string;
  readonly kind: ErrorKind;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
};

export type ThreadAnswer =
  | { readonly ok: true; readonly answer: unknown }
  | { readonly ok: false; readonly error: ThreadError };
