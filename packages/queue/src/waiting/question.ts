import { z } from "zod";
import { invalidQuestion } from "./waiting-errors.ts";

/** What a job asks of a person, or of something outside, and until when. */
export type WaitOptions<Answer = unknown> = {
  /** For whoever answers: no document text, no secrets. At most 4,000 characters. */
  readonly question: string;
  /**
   * What an answer must be. Checked when the answer is given, as far as JSON Schema can say it, and by the
   * schema itself when the job goes on: one that is refused then is asked for again. Default any JSON.
   */
  readonly schema?: z.ZodType<Answer>;
  /** Default 30 days, at most a year. */
  readonly expiresInMs?: number;
  /** Taken as the answer when the time is over, as it would be given. Default: the job ends as expired. */
  readonly answerAtExpiry?: unknown;
};

/** The same in the form in which it is stored. */
export type Question = {
  readonly key: string;
  readonly text: string;
  /** A JSON Schema, or null. */
  readonly schema: Readonly<Record<string, unknown>> | null;
  readonly problem: string | null;
  readonly expiresInMs: number;
  readonly answerAtExpiry: { readonly value: unknown } | null;
};

const dayMs = 24 * 3600 * 1000;
const maxExpiryMs = 365 * dayMs;
/** A question is read by people; a text to look at belongs where the question points. */
const maxTextLength = 4_000;
/** Kept with each question and sent to everybody who looks at the job. */
const maxSchemaLength = 16_384;

/** Throws `invalid_question` for what could not be asked, or never be answered. */
export function toQuestion(key: string, options: WaitOptions): Question {
  const { question: text, expiresInMs = 30 * dayMs } = options;
  if (key.length < 1 || key.length > 200) throw invalidQuestion(key, "its key must have 1 to 200 characters");
  if (text.trim() === "" || text.length > maxTextLength) {
    throw invalidQuestion(key, `its question must have 1 to ${maxTextLength} characters`);
  }
  if (!(expiresInMs > 0 && expiresInMs <= maxExpiryMs)) {
    throw invalidQuestion(key, "expiresInMs must be more than 0 and at most a year");
  }
  const schema = options.schema === undefined ? null : toJsonSchema(key, options.schema);
  // PostgreSQL has no place for it in a text.
  const stored = text.replaceAll("\0", "\ufffd");
  const question = { key, text: stored, schema, problem: null, expiresInMs };
  if (options.answerAtExpiry === undefined) return { ...question, answerAtExpiry: null };
  const problems = findAnswerProblems(schema, options.answerAtExpiry);
  if (problems.length > 0) {
    throw invalidQuestion(key, `its own answerAtExpiry does not fit its schema: ${problems[0]?.message}`);
  }
  return { ...question, answerAtExpiry: { value: options.answerAtExpiry } };
}

export type AnswerProblem = { readonly path: readonly PropertyKey[]; readonly message: string };

/** In what an answer differs from what a JSON Schema asks for; nothing when it fits. */
export function findAnswerProblems(schema: Question["schema"], answer: unknown): readonly AnswerProblem[] {
  if (schema === null) return [];
  return z.fromJSONSchema(schema).safeParse(answer).error?.issues ?? [];
}

function toJsonSchema(key: string, schema: z.ZodType): Readonly<Record<string, unknown>> {
  const written = writeSchema(key, schema);
  if (JSON.stringify(written).length > maxSchemaLength) {
    throw invalidQuestion(key, `its schema is longer than ${maxSchemaLength} characters as JSON Schema`);
  }
  return written;
}

function writeSchema(key: string, schema: z.ZodType): Readonly<Record<string, unknown>> {
  try {
    const written: Record<string, unknown> = { ...z.toJSONSchema(schema, { io: "input" }) };
    // What can be written must be readable, or nobody could ever answer.
    z.fromJSONSchema(written);
    return written;
  } catch (error) {
    throw invalidQuestion(key, "its schema can't be told as JSON Schema", error);
  }
}
