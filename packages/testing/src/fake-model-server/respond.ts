import type { ServerResponse } from "node:http";
import type { Behaviour, ModelCall } from "./behaviour.ts";
import { tokenCount } from "./chat-answer.ts";
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

/** One vector for each input; a well-formed list with none when they are to be garbage. */
export function sendEmbeddings(
  response: ServerResponse,
  request: EmbeddingsRequest,
  options: { readonly dimensions: number; readonly behaviour: Behaviour; readonly call: ModelCall },
): void {
  const { behaviour, call } = options;
  const inputs = typeof request.input === "string" ? [request.input] : request.input;
  const dimensions =
    behaviour.kind === "other_dimensions" ? behaviour.dimensions : (request.dimensions ?? options.dimensions);
  const isSpoiled = !soundVectors.has(behaviour.kind);
  const vectors = isSpoiled ? [] : inputs.map((input) => embedding(input, dimensions));
  const tokens = inputs.reduce((sum, input) => sum + tokenCount(input), 0);
  if (!isSpoiled) call.usage = { prompt_tokens: tokens, completion_tokens: 0 };
  const body = JSON.stringify({
    object: "list",
    model: request.model,
    data: vectors.map((vector, index) => ({
      object: "embedding",
      index,
      embedding: request.encoding_format === "base64" ? base64Floats(vector) : vector,
    })),
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  });
  const written =
    behaviour.kind === "nan_vector" ? body.replace(/"embedding":\[[^,\]]+/, '"embedding":[NaN') : body;
  response.writeHead(200, { "content-type": "application/json" }).end(written);
}

const soundVectors: ReadonlySet<Behaviour["kind"]> = new Set([
  "answer",
  "hold",
  "nan_vector",
  "other_dimensions",
]);

/** What every part of an answer begins with. */
export function identity(request: ChatRequest, object: string) {
  return { id: "chatcmpl-fake", object, created: createdAt, model: request.model };
}
