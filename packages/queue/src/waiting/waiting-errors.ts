import { MillraceError } from "@millrace/kernel";
import type { AnswerProblem } from "./question.ts";

/** Of the program: no attempt could do better. */
export function invalidQuestion(key: string, why: string, cause?: unknown): MillraceError {
  return new MillraceError({
    code: "invalid_question",
    kind: "invalid",
    message: `What the job wants to wait for ("${key.slice(0, 200)}") can't be asked: ${why}.`,
    ...(cause === undefined ? {} : { cause }),
  });
}

export function jobNotWaiting(id: string, state: string): MillraceError {
  return new MillraceError({
    code: "job_not_waiting",
    kind: "conflict",
    message: `This job does not wait for an answer; it is ${state}. Look at it again.`,
    details: { id, state },
  });
}

export function waitsForAnother(id: string, key: string, asked: string): MillraceError {
  return new MillraceError({
    code: "waits_for_another",
    kind: "conflict",
    message: `The job waits for an answer to "${asked}", not to "${key}". Look at it again.`,
    details: { id, key, asked },
  });
}

export function alreadyAnswered(id: string, key: string): MillraceError {
  return new MillraceError({
    code: "already_answered",
    kind: "conflict",
    message: `"${key}" was answered already, and otherwise. The first answer stands.`,
    details: { id, key },
  });
}

export function answerTooLate(id: string, key: string): MillraceError {
  return new MillraceError({
    code: "answer_too_late",
    kind: "conflict",
    message: `The time to answer "${key}" is over. A job that has expired asks again when it is retried.`,
    details: { id, key },
  });
}

export function answerTooLarge(maxBytes: number): MillraceError {
  return new MillraceError({
    code: "answer_too_large",
    kind: "too_large",
    message: `An answer can have ${maxBytes} bytes of JSON. Put what is larger elsewhere and answer with where it is.`,
    details: { maxBytes },
  });
}

export function invalidAnswer(key: string, problems: readonly AnswerProblem[]): MillraceError {
  return new MillraceError({
    code: "invalid_answer",
    kind: "invalid",
    message: `This is not what "${key}" asks for: ${problems[0]?.message ?? "it does not fit its schema"}.`,
    items: problems.slice(0, 20).map(({ path, message }) => ({
      pointer: ["", "answer", ...path.map(String)].join("/"),
      code: "invalid_answer",
      message,
    })),
  });
}
