import type { ServerResponse } from "node:http";
import type { Behaviour, ModelCall } from "./behaviour.ts";
import { chatReply } from "./chat-reply.ts";
import { streamChat, writeInPieces } from "./chat-stream.ts";
import type { ChatRequest } from "./requests.ts";
import { identity } from "./respond.ts";

/** A chat completion, whole or as a stream. */
export async function sendChat(
  response: ServerResponse,
  request: ChatRequest,
  options: { readonly behaviour: Behaviour; readonly call: ModelCall; readonly signal: AbortSignal },
): Promise<void> {
  const { behaviour, call, signal } = options;
  const reply = chatReply(request, behaviour, call.number);
  call.usage = reply.counted;
  if (request.stream) return await streamChat(response, request, { reply, behaviour, signal });
  const answer = behaviour.kind === "answer" ? behaviour : undefined;
  const message = {
    role: "assistant",
    content: reply.content === "" && reply.toolCalls.length > 0 ? null : reply.content,
    ...(reply.toolCalls.length === 0 ? {} : { tool_calls: reply.toolCalls }),
  };
  const body = JSON.stringify({
    ...identity(request, "chat.completion"),
    choices: [{ index: 0, message, finish_reason: reply.finishReason }],
    ...(reply.usage === undefined ? {} : { usage: reply.usage }),
  });
  response.writeHead(200, { "content-type": answer?.contentType ?? "application/json" });
  await writeInPieces(
    response,
    `${answer?.hasBom === true ? "\uFEFF" : ""}${body}`,
    answer?.pieceBytes,
    signal,
  );
  response.end();
}
