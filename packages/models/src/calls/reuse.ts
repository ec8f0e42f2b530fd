import { errorCode, isMillraceError } from "@millrace/kernel";
import { answerKey } from "../guard/answer-key.ts";
import type { AskedQuestion } from "../guard/answer-key.ts";
import type { ChatEndpoint } from "../guard/chat-endpoints.ts";
import type { CallAbout, Guard } from "../guard/guard.ts";
import type { CallOrigin, CallTokens, StoredAnswer } from "../ports.ts";
import type { ToolCall } from "../turn.ts";

/** A complete answer as it came. */
export type Made = {
  readonly text: string;
  readonly toolCalls: readonly ToolCall[];
  readonly tokens: CallTokens;
  readonly cost: number | null;
};

/** `isFresh`: whatever is stored, it is asked; the answer takes the place of the stored one. */
export type Question = Omit<AskedQuestion, "endpoint"> & { readonly isFresh: boolean };

type Reuse = {
  readonly guard: Guard;
  readonly chat: ChatEndpoint;
  readonly about: Pick<CallAbout, "origin">;
  /** Undefined: its answer is nobody else's. */
  readonly question: Question | undefined;
  readonly signal: AbortSignal | undefined;
};

export type Reused = {
  readonly made: Made;
  readonly from: "made" | "cached" | "shared";
  /** Whether somebody else has it to pay. */
  readonly isFree: boolean;
};

/**
 * The stored answer to the question, else that of an equal call in flight, else the one that `make` gives. What
 * is stored was complete, asked for no tools, and could be read as what was wanted. One that was made for the same
 * step has its cost: the attempt that made it has not come to record it.
 */
export async function answerOnce(reuse: Reuse, make: () => Promise<Made>): Promise<Reused> {
  const { guard, chat, about, question, signal } = reuse;
  const { answers } = guard.ports;
  const { name } = chat.endpoint;
  const makeAnew = async (): Promise<Reused> => ({ made: await make(), from: "made", isFree: false });
  if (answers === undefined || question === undefined) return await makeAnew();
  const { isFresh, ...asked } = question;
  const key = answerKey({ ...asked, endpoint: { name, url: chat.url } });
  const toStored = ({ text, tokens, cost }: Made): StoredAnswer => {
    const answeredAt = new Date().toISOString();
    return { text, model: name, tokens, answeredAt, cost, madeFor: stepOf(about.origin) };
  };
  if (isFresh) {
    const anew = await makeAnew();
    await answers.replace({ key, owner: about.origin.owner }, toStored(anew.made));
    return anew;
  }
  let own: Made | undefined;
  let hasAsked = false;
  const makeStored = async (): Promise<StoredAnswer> => {
    hasAsked = true;
    own = await make();
    return toStored(own);
  };
  try {
    const { answer, from } = await answers.once({ key, owner: about.origin.owner, signal }, makeStored);
    if (own !== undefined) return { made: own, from: "made", isFree: false };
    const isFree = from !== "cached" || !isSameStep(answer.madeFor, stepOf(about.origin));
    const { text, tokens, cost = null } = answer;
    return {
      made: { text, toolCalls: [], tokens, cost: isFree ? 0 : cost },
      from: from === "made" ? "shared" : from,
      isFree,
    };
  } catch (error) {
    // Somebody else's call: that it was stopped, or that its owner has no money left, is not our failure.
    const isTheirs = !isMillraceError(error) || errorCode(error) === "budget_exceeded";
    if (hasAsked || signal?.aborted === true || !isTheirs) throw error;
    return await makeAnew();
  }
}

function stepOf({ job, step }: CallOrigin): StoredAnswer["madeFor"] {
  return job === undefined || step === undefined ? undefined : { job, step };
}

function isSameStep(left: StoredAnswer["madeFor"], right: StoredAnswer["madeFor"]): boolean {
  return left !== undefined && left.job === right?.job && left.step === right.step;
}
