import { isDeepStrictEqual } from "node:util";
import { jsonText } from "@millrace/database";
import { parseJson } from "@millrace/kernel";
import { z } from "zod";
import { JobEnding } from "../worker/job-ending.ts";
import type { Question } from "./question.ts";
import { invalidQuestion } from "./waiting-errors.ts";

/**
 * The answer as the handler gets it. Throws the end of the attempt, after which the job waits, when there is
 * none, or when the schema refuses it: the question then says why. Throws `invalid_question` when it refuses what
 * the question itself names for its expiry, which would be asked and refused for ever.
 */
export async function takeAnswer<Answer>(
  question: Question,
  schema: z.ZodType<Answer> | undefined,
  found: { readonly value: unknown } | undefined,
): Promise<Answer> {
  if (found === undefined) throw waiting(question);
  // Without a schema any JSON will do.
  if (schema === undefined) return found.value as Answer;
  const read = await schema.safeParseAsync(found.value);
  if (read.success) return read.data;
  const problem = z.prettifyError(read.error).slice(0, 1_000);
  const { key, answerAtExpiry } = question;
  if (answerAtExpiry !== null && isDeepStrictEqual(found.value, parseJson(jsonText(answerAtExpiry.value)))) {
    throw invalidQuestion(key, `its own answerAtExpiry does not fit its schema: ${problem}`);
  }
  throw waiting({ ...question, problem });
}

function waiting(question: Question): JobEnding {
  return new JobEnding({ kind: "wait", question }, `The job waits for an answer to "${question.key}"`);
}
