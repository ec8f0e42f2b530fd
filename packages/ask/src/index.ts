export { questionHeaders } from "./accept-question.ts";
export { handleAnswerQuestion } from "./answer/answer-question.ts";
export type { AskLibrary } from "./ask-library.ts";
export { findQuestionProblems, questionChecks } from "./find-question-problems.ts";
export { Questions } from "./questions.ts";
export { readPassages, retrievePassages } from "./retrieval/retrieve.ts";
