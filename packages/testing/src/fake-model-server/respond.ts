import type { ServerResponse } from "node:http";
import { sleep } from "@millrace/kernel";
import type { Behaviour } from "./behaviour.ts";
import { healthyAnswer, spoiledAnswer, tokenCount } from "./chat-answer.ts";
import { base64Floats, embedding } from "./embedding.ts";
import type { ChatRequest, EmbeddingsRequest } from "./requests.ts";

const createdAt = 1_780_000_000; // A fixed time keeps responses comparable between runs.

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

export function sendProblem(response: ServerResponse, status: number, code: string, message: string): void {
  sendJson(response, status, { error: { message, type: code, code } });
}

/** Headers and the beginning of a body, then a cut connection. */
export function dropInTheMiddle(response: ServerResponse, isStream: boolean): void {
  const [type, beginning] = isStream
    ? [
        "text/event-stream",
        'data: {"id":"cut","choices":[{"index":0,"delta":{"content":"Half"}}]}\n\ndata: {"id',
      ]
    : ["application/json", '{"id":"cut","choices":[{"index":0,"message":{"role":"assistant","content":"Half'];
  response.writeHead(200, { "content-type": type });
  response.write(beginning, () => response.destroy());
}

export function sendGarbageStream(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.end("\u0000\u0001 not an event\ndata: {{{{\n\nda");
}

/** One vector for each input, or, spoiled, a well-formed list with none. */
export function sendEmbeddings(
  response: ServerResponse,
  request: EmbeddingsRequest,
  options: { readonly dimensions: number; readonly isSpoiled: boolean },
): void {
  const inputs = typeof request.input === "string" ? [request.input] : request.input;
  const dimensions = request.dimensions ?? options.dimensions;
  const vectors = options.isSpoiled ? [] : inputs.map((input) => embedding(input, dimensions));
  const tokens = inputs.reduce((sum, input) => sum + tokenCount(input), 0);
  sendJson(response, 200, {
    object: "list",
    model: request.model,
    data: vectors.map((vector, index) => ({
      object: "embedding",
      index,
      embedding: request.encoding_format === "base64" ? base64Floats(vector) : vector,
    })),
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  });
}

/** A chat completion, whole or as a stream of about twenty characters a piece. */
export async function sendChat(
  response: ServerResponse,
  request: ChatRequest,
  behaviour: Behaviour,
  signal: AbortSignal,
): Promise<void> {
  const given = behaviour.kind === "answer" ? behaviour.content : undefined;
  const content = given ?? spoiledAnswer(healthyAnswer(request), behaviour.kind);
  const finishReason = behaviour.kind === "truncated_json" ? "length" : "stop";
  const usage = usageOf(request, content);
  if (!request.stream) {
    const message = { role: "assistant", content };
    sendJson(response, 200, {
      ...identity(request, "chat.completion"),
      choices: [{ index: 0, message, finish_reason: finishReason }],
      usage,
    });
    return;
  }
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
  const send = (choices: readonly unknown[], more: object = {}) =>
    response.write(
      `data: ${JSON.stringify({ ...identity(request, "chat.completion.chunk"), choices, ...more })}\n\n`,
    );
  send([{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: null }]);
  for (const piece of content.match(/[^]{1,20}/gu) ?? []) {
    if (behaviour.kind === "answer" && behaviour.pieceDelayMs !== undefined) {
      await sleep(behaviour.pieceDelayMs, signal);
    }
    send([{ index: 0, delta: { content: piece }, finish_reason: null }]);
  }
  send([{ index: 0, delta: {}, finish_reason: finishReason }]);
  if (request.stream_options?.include_usage === true) send([], { usage });
  response.end("data: [DONE]\n\n");
}

function identity(request: ChatRequest, object: string) {
  return { id: "chatcmpl-fake", object, created: createdAt, model: request.model };
}

function usageOf(request: ChatRequest, content: string) {
  const promptTokens = request.messages.reduce((sum, message) => sum + tokenCount(message.content), 0);
  const completionTokens = tokenCount(content);
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  };
}
