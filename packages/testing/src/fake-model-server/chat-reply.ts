import type { Behaviour, CountedTokens } from "./behaviour.ts";
import { healthyAnswer, spoiledAnswer, tokenCount } from "./chat-answer.ts";
import type { ChatRequest } from "./requests.ts";
import { structuredAnswer } from "./structured-answer.ts";

export type ReplyToolCall = {
  readonly id: string;
  readonly type: "function";
  readonly function: { readonly name: string; readonly arguments: string };
};

/** What is answered, before it is written whole or as a stream. */
export type ChatReply = {
  readonly content: string;
  readonly toolCalls: readonly ReplyToolCall[];
  readonly finishReason: string;
  /** What it truly took. */
  readonly counted: CountedTokens;
  /** What the client is told; undefined: nothing. */
  readonly usage: object | undefined;
};

/** The reply of a chat model that behaves so. */
export function chatReply(request: ChatRequest, behaviour: Behaviour, callNumber: number): ChatReply {
  const toolCalls = toolCallsOf(request, behaviour, callNumber);
  const content = toolCalls.length > 0 ? textBesideTools(behaviour) : contentOf(request, behaviour);
  const written = content + toolCalls.map((call) => call.function.arguments).join("");
  const counted = {
    prompt_tokens: request.messages.reduce((sum, message) => sum + tokenCount(message.content), 0),
    completion_tokens: tokenCount(written),
  };
  return {
    content,
    toolCalls,
    finishReason: finishReasonOf(behaviour, toolCalls.length > 0),
    counted,
    usage: toldUsage(counted, behaviour),
  };
}

function contentOf(request: ChatRequest, behaviour: Behaviour): string {
  const given = behaviour.kind === "answer" ? behaviour.content : undefined;
  return given ?? spoiledAnswer(healthyAnswer(request), behaviour.kind);
}

function textBesideTools(behaviour: Behaviour): string {
  return behaviour.kind === "tool_calls" ? (behaviour.text ?? "") : "";
}

function finishReasonOf(behaviour: Behaviour, asksForTools: boolean): string {
  if (behaviour.kind === "answer" && behaviour.finishReason !== undefined) return behaviour.finishReason;
  if (asksForTools) return "tool_calls";
  return behaviour.kind === "truncated_json" ? "length" : "stop";
}

function toolCallsOf(request: ChatRequest, behaviour: Behaviour, callNumber: number): ReplyToolCall[] {
  const shown = request.tools ?? [];
  const mayCall = shown.length > 0 && request.tool_choice !== "none";
  const wanted =
    behaviour.kind === "tool_calls"
      ? behaviour.calls
      : mayCall && (behaviour.kind === "first_tool" || request.tool_choice === "required")
        ? shown.slice(0, 1).map((tool) => ({ name: tool.function.name, input: undefined }))
        : [];
  return wanted.map(({ name, input }, index) => {
    const schema = shown.find((tool) => tool.function.name === name)?.function.parameters ?? {};
    const given = input ?? structuredAnswer(schema, request.messages.at(-1)?.content ?? "");
    const id = `call_${callNumber}_${index}`;
    return { id, type: "function", function: { name, arguments: JSON.stringify(given) } };
  });
}

function toldUsage(counted: CountedTokens, behaviour: Behaviour): object | undefined {
  const wanted = behaviour.kind === "answer" ? behaviour.usage : undefined;
  const { prompt_tokens, completion_tokens } = counted;
  switch (wanted) {
    case undefined:
      return { ...counted, total_tokens: prompt_tokens + completion_tokens };
    case "missing":
      return undefined;
    case "negative":
      return { prompt_tokens: -5, completion_tokens: -7, total_tokens: -12 };
    case "huge":
      return { prompt_tokens: 1e15, completion_tokens: 1e15, total_tokens: 2e15 };
    case "text":
      return { prompt_tokens: "many", completion_tokens: "some" };
    default: {
      const { cached_tokens, ...tokens } = wanted;
      return {
        ...tokens,
        ...(cached_tokens === undefined ? {} : { prompt_tokens_details: { cached_tokens } }),
      };
    }
  }
}
