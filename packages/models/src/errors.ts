import { MillraceError } from "@millrace/kernel";
import { withoutAnswer } from "./calls/without-answer.ts";

type Facts = Readonly<Record<string, unknown>>;

type CallFailure = {
  /** Which model was asked, such as `openai-compatible:gemma3`. */
  readonly model: string;
  readonly cause?: unknown;
  readonly details?: Facts;
  readonly retryAfterSeconds?: number;
};

/** A server that takes no more requests and does not say for how long. */
export const silentWaitSeconds = 10;

/** Kinds `unavailable` and `limited` pass by themselves, so only they are worth another try. */
function failure(
  code: string,
  kind: "unavailable" | "limited" | "invalid" | "internal",
  message: string,
  call: CallFailure & { readonly putOffSeconds?: number | undefined },
): MillraceError {
  const { retryAfterSeconds, putOffSeconds } = call;
  return new MillraceError({
    code,
    kind,
    retryable: kind === "unavailable" || kind === "limited",
    message,
    cause: withoutAnswer(call.cause),
    details: { model: call.model, ...call.details },
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    ...(putOffSeconds === undefined ? {} : { putOffSeconds }),
  });
}

/** Every error of this package. Codes are public; none of the messages carries a prompt or an answer. */
export const modelErrors = {
  unreachable: (call: CallFailure) =>
    failure(
      "model_unreachable",
      "unavailable",
      `The model ${call.model} can't be reached. Check that its server runs and that the address in the settings is right.`,
      call,
    ),
  timedOut: (call: CallFailure & { readonly timeoutMs?: number; readonly setting?: string }) =>
    failure(
      "model_timeout",
      "unavailable",
      `The model ${call.model} did not answer${call.timeoutMs === undefined ? " in time" : ` within ${Math.round(call.timeoutMs / 100) / 10} s`}. If it is only slow, raise ${call.setting ?? "MODEL_TIMEOUT_MS"}.`,
      call,
    ),
  rateLimited: (call: CallFailure) =>
    failure(
      "model_rate_limited",
      "limited",
      `The model ${call.model} takes no more requests for now. The work is tried again later.`,
      { ...call, putOffSeconds: call.retryAfterSeconds ?? silentWaitSeconds },
    ),
  unavailable: (call: CallFailure & { readonly retryAfterSeconds: number }) =>
    failure(
      "model_unavailable",
      "unavailable",
      `The server of ${call.model} failed several times in a row and is left alone for a while. The work is tried again later.`,
      { ...call, putOffSeconds: call.retryAfterSeconds },
    ),
  required: (purpose: string) =>
    new MillraceError({
      code: "model_required",
      kind: "unsupported",
      message: `This needs a chat model (${purpose}), and only the built-in one is set up, which can't write. Set CHAT_URL and CHAT_MODEL, or a key of a provider such as GEMINI_API_KEY.`,
      details: { purpose },
    }),
  unknownModel: (name: string, problem: string) =>
    new MillraceError({
      code: "model_unknown",
      kind: "invalid",
      message: `The model ${name} can't be used: ${problem}`,
      details: { model: name },
    }),
  streamFailed: (call: CallFailure) =>
    failure(
      "model_stream_failed",
      "unavailable",
      `${call.model} sent an error or something unreadable in the middle of its answer. The work is tried again later.`,
      call,
    ),
  responseTooLarge: (call: CallFailure) =>
    failure(
      "model_response_too_large",
      "internal",
      `${call.model} sent more than any answer can have. Check that the address in the settings is that of a model server.`,
      call,
    ),
  overloaded: (call: CallFailure) =>
    failure(
      "model_overloaded",
      "unavailable",
      `The server of ${call.model} failed or is overloaded. The work is tried again later.`,
      call,
    ),
  unauthorized: (call: CallFailure) =>
    failure(
      "model_unauthorized",
      "invalid",
      `The server of ${call.model} refused the key. Check the key in the settings and what it may be used for.`,
      call,
    ),
  notFound: (call: CallFailure) =>
    failure(
      "model_not_found",
      "invalid",
      `The server does not know ${call.model}. Check the model's name and the address in the settings; a local server may have to download the model first.`,
      call,
    ),
  requestRejected: (call: CallFailure) =>
    failure(
      "model_request_rejected",
      "invalid",
      `The server of ${call.model} rejected the request. Its answer is in the log.`,
      call,
    ),
  contextExceeded: (call: CallFailure) =>
    failure(
      "model_context_exceeded",
      "invalid",
      `The text is longer than ${call.model} can read at once. Lower CHAT_CONTEXT_TOKENS to what the server really allows.`,
      call,
    ),
  badOutput: (call: CallFailure) =>
    failure(
      "model_bad_output",
      "internal",
      `${call.model} answered in a form that can't be used. Try again, or choose a model that follows formats better.`,
      call,
    ),
  outputTruncated: (call: CallFailure) =>
    failure(
      "model_output_truncated",
      "internal",
      `The answer of ${call.model} was cut off at its length limit. Raise the model's context or choose one that writes less.`,
      call,
    ),
  contentFiltered: (call: CallFailure) =>
    failure(
      "model_content_filtered",
      "invalid",
      `${call.model} refused to answer about this text (content filter).`,
      call,
    ),
  stoppedEarly: (call: CallFailure) =>
    failure(
      "model_stopped_early",
      "unavailable",
      `${call.model} ended its answer without finishing it. The work is tried again later.`,
      call,
    ),
  builtInStopped: () =>
    new MillraceError({
      code: "built_in_model_stopped",
      kind: "unavailable",
      retryable: true,
      message: "The built-in model is stopped, because the process is shutting down.",
    }),
  builtInCrashed: (cause: unknown) =>
    new MillraceError({
      code: "built_in_model_crashed",
      kind: "internal",
      retryable: true,
      message: "The built-in model's thread died while it worked on this text. It has been started anew.",
      cause,
    }),
  builtInBusy: () =>
    new MillraceError({
      code: "built_in_model_busy",
      kind: "limited",
      retryable: true,
      message: "Too many texts wait for the built-in model. The work is tried again later.",
      retryAfterSeconds: 10,
    }),
  sentimentLanguageUnsupported: (language: string) =>
    new MillraceError({
      code: "sentiment_language_unsupported",
      kind: "unsupported",
      message: `Sentiment is not available in ${language} without a model. Set CHAT_URL and CHAT_MODEL, or a key of a provider, to get it.`,
      details: { language },
    }),
  textTooShort: (what: string) =>
    new MillraceError({
      code: "text_too_short",
      kind: "unsupported",
      message: `The text is too short for ${what}.`,
    }),
  noProse: () =>
    new MillraceError({
      code: "text_without_sentences",
      kind: "unsupported",
      message:
        "The built-in model found no sentences to work with, only code, tables or fragments. Set CHAT_URL and CHAT_MODEL, or a key of a provider, to analyse such a text.",
    }),
  questionMissing: () =>
    new MillraceError({
      code: "question_missing",
      kind: "invalid",
      message: "The built-in model was asked to answer without a question. Give one.",
    }),
  unknownOperation: () =>
    new MillraceError({
      code: "built_in_operation_unsupported",
      kind: "unsupported",
      message:
        "The built-in model can't write free text: it only takes sentences out of a text. Set CHAT_URL and CHAT_MODEL, or a key of a provider.",
    }),
  blankText: () =>
    new MillraceError({
      code: "embedding_text_blank",
      kind: "invalid",
      message: "A text without any character can't be embedded. Leave it out.",
    }),
  promptInvalid: (prompt: string, problem: string) =>
    new MillraceError({
      code: "prompt_invalid",
      kind: "internal",
      message: `The prompt ${prompt} can't be used: ${problem}. Correct its file.`,
      details: { prompt },
    }),
  invalidChunkSize: (smallest: number) =>
    new MillraceError({
      code: "invalid_chunk_size",
      kind: "invalid",
      message: `A chunk must have at least ${smallest} tokens.`,
    }),
  embeddingMismatch: (call: CallFailure) =>
    failure(
      "embedding_mismatch",
      "internal",
      `${call.model} gave vectors whose number or length does not fit the texts. Check that EMBEDDING_MODEL is an embedding model.`,
      call,
    ),
} as const;
