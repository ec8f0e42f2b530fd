import { toError } from "@millrace/kernel";
import type { Clock, Logger } from "@millrace/kernel";
import { generateText, NoObjectGeneratedError, Output } from "ai";
import type { FinishReason, LanguageModelUsage, ModelMessage } from "ai";
import type { JSONObject, LanguageModelV4 } from "@ai-sdk/provider";
import type { z } from "zod";
import { modelErrors } from "../errors.ts";
import { toModelError } from "./provider-errors.ts";

/** Tokens a call used; null where the server does not say. */
export type Usage = { readonly inputTokens: number | null; readonly outputTokens: number | null };

export type Generated = { readonly text: string; readonly usage: Usage };

export type GuardedCall = {
  /** A model object, never a string: the SDK sends strings to a gateway on the internet. */
  readonly model: LanguageModelV4;
  readonly modelName: string;
  readonly instructions: string;
  readonly messages: ModelMessage[];
  /** Asks the provider for JSON of this schema. Absent: plain text. */
  readonly schema?: { readonly name: string; readonly value: z.ZodType };
  readonly providerOptions?: Record<string, JSONObject>;
  readonly headers?: Record<string, string>;
  readonly maxOutputTokens: number | undefined;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
};

/**
 * The one place that calls a chat model. One request, no retries (the queue owns those), under a
 * deadline, ended by the signal. Anything but a finished answer is an error with its own code.
 */
export async function generateGuarded(
  call: GuardedCall,
  tools: { readonly logger: Logger; readonly clock: Clock },
): Promise<Generated> {
  call.signal?.throwIfAborted();
  const deadline = AbortSignal.timeout(call.timeoutMs);
  const signal = call.signal === undefined ? deadline : AbortSignal.any([call.signal, deadline]);
  const ended = rejectOnAbort(signal);
  try {
    return await Promise.race([generate(call, signal, tools.logger), ended.promise]);
  } catch (thrown) {
    if (call.signal?.aborted === true) throw toError(call.signal.reason);
    if (deadline.aborted) {
      throw modelErrors.timedOut({ model: call.modelName, timeoutMs: call.timeoutMs, cause: thrown });
    }
    throw toModelError(thrown, call.modelName, tools.clock.now());
  } finally {
    ended.release();
  }
}

async function generate(call: GuardedCall, signal: AbortSignal, logger: Logger): Promise<Generated> {
  const answer = await ask(call, signal, logger);
  assertFinished(answer.finishReason, call.modelName);
  return {
    text: answer.text,
    usage: {
      inputTokens: answer.usage?.inputTokens ?? null,
      outputTokens: answer.usage?.outputTokens ?? null,
    },
  };
}

type Answer = {
  readonly text: string;
  readonly finishReason: FinishReason | undefined;
  readonly usage: LanguageModelUsage | undefined;
};

async function ask(call: GuardedCall, signal: AbortSignal, logger: Logger): Promise<Answer> {
  try {
    const result = await generateText({
      model: call.model,
      instructions: call.instructions,
      messages: call.messages,
      maxRetries: 0,
      abortSignal: signal,
      timeout: { totalMs: call.timeoutMs, stepMs: call.timeoutMs },
      ...(call.maxOutputTokens === undefined ? {} : { maxOutputTokens: call.maxOutputTokens }),
      ...(call.headers === undefined ? {} : { headers: call.headers }),
      ...(call.providerOptions === undefined ? {} : { providerOptions: call.providerOptions }),
      ...(call.schema === undefined
        ? {}
        : { output: Output.object({ schema: call.schema.value, name: call.schema.name }) }),
    });
    if (result.warnings !== undefined && result.warnings.length > 0) {
      logger.debug({ model: call.modelName, warnings: result.warnings }, "the model's provider warns");
    }
    return result;
  } catch (error) {
    // Not JSON, or not of the schema: the text is still the answer, and reading it is our business.
    if (!NoObjectGeneratedError.isInstance(error)) throw error;
    return { text: error.text ?? "", finishReason: error.finishReason, usage: error.usage };
  }
}

function assertFinished(finishReason: FinishReason | undefined, model: string): void {
  switch (finishReason) {
    case "stop":
      return;
    case "length":
      throw modelErrors.outputTruncated({ model });
    case "content-filter":
      throw modelErrors.contentFiltered({ model });
    default:
      throw modelErrors.stoppedEarly({ model, details: { finish_reason: finishReason ?? "none" } });
  }
}

/** A provider that ignores its signal must not hold the caller: the race ends without it. */
function rejectOnAbort(signal: AbortSignal): { promise: Promise<never>; release: () => void } {
  let listener: (() => void) | undefined;
  const promise = new Promise<never>((_resolve, reject) => {
    listener = () => reject(toError(signal.reason));
    signal.addEventListener("abort", listener, { once: true });
  });
  // When the call ends first nobody listens to this promise any more.
  promise.catch(() => undefined);
  return { promise, release: () => listener && signal.removeEventListener("abort", listener) };
}
