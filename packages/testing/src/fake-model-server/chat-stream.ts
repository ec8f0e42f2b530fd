import type { ServerResponse } from "node:http";
import { setImmediate } from "node:timers/promises";
import { sleep } from "@millrace/kernel";
import type { Behaviour } from "./behaviour.ts";
import type { ChatReply } from "./chat-reply.ts";
import type { ChatRequest } from "./requests.ts";
import { identity } from "./respond.ts";

/** What stands on one line of a stream; `raw` as it is. */
type Line = { readonly json: object } | { readonly raw: string };

const done: Line = { raw: "data: [DONE]" };

/** Writes a reply as an event stream of about twenty characters a piece, spoiled as the behaviour says. */
export async function streamChat(
  response: ServerResponse,
  request: ChatRequest,
  options: { readonly reply: ChatReply; readonly behaviour: Behaviour; readonly signal: AbortSignal },
): Promise<void> {
  const { reply, behaviour, signal } = options;
  const answer = behaviour.kind === "answer" ? behaviour : undefined;
  const type = answer?.contentType ?? "text/event-stream";
  response.writeHead(200, { "content-type": type, "cache-control": "no-cache" });
  if (answer?.hasBom === true) response.write("\uFEFF");
  const end = answer?.lineEnd ?? "\n";
  for (const line of spoiledLines(request, reply, behaviour)) {
    if (answer?.pieceDelayMs !== undefined) await sleep(answer.pieceDelayMs, signal);
    const text = "raw" in line ? line.raw : `data: ${JSON.stringify(line.json)}`;
    await writeInPieces(response, `${text}${end}${end}`, answer?.pieceBytes, signal);
  }
  // Silence is the point: the client is to notice that nothing comes any more.
  if (behaviour.kind !== "stall") response.end();
}

/** Bytes in pieces that arrive one by one, as over a bad line. */
export async function writeInPieces(
  response: ServerResponse,
  text: string,
  pieceBytes: number | undefined,
  signal: AbortSignal,
): Promise<void> {
  if (pieceBytes === undefined) {
    response.write(text);
    return;
  }
  const bytes = Buffer.from(text);
  for (let from = 0; from < bytes.length; from += pieceBytes) {
    response.write(bytes.subarray(from, from + pieceBytes));
    // A turn of the loop between two pieces, or they would leave as one.
    await setImmediate(undefined, { signal });
  }
}

function spoiledLines(request: ChatRequest, reply: ChatReply, behaviour: Behaviour): Line[] {
  const lines = allLines(request, reply);
  const half = Math.ceil(lines.length / 2);
  switch (behaviour.kind) {
    case "stall":
      // The first line only says that an answer begins.
      return lines.slice(0, 1 + behaviour.pieces);
    case "truncated_stream":
      return lines.slice(0, half);
    case "error_frame":
      return [
        ...lines.slice(0, half),
        { json: { error: { message: "The server ran out of memory." } } },
        done,
      ];
    case "garbage_line":
      return [...lines.slice(0, half), { raw: "data: {{{ what" }, ...lines.slice(half)];
    case "long_line":
      return [{ raw: `data: "${"x".repeat(behaviour.bytes)}"` }, ...lines];
    default:
      return lines;
  }
}

function allLines(request: ChatRequest, reply: ChatReply): Line[] {
  const chunk = (choices: readonly unknown[], more: object = {}): Line => ({
    json: { ...identity(request, "chat.completion.chunk"), choices, ...more },
  });
  const delta = (value: object, finishReason: string | null = null) =>
    chunk([{ index: 0, delta: value, finish_reason: finishReason }]);
  const isUsageWanted = request.stream_options?.include_usage === true && reply.usage !== undefined;
  return [
    delta({ role: "assistant", content: "" }),
    ...(reply.content.match(/[^]{1,20}/gu) ?? []).map((content) => delta({ content })),
    // Arguments come in two pieces, as they do from real servers.
    ...reply.toolCalls.flatMap(({ id, type, function: called }, index) => {
      const middle = Math.ceil(called.arguments.length / 2);
      const [first, second] = [called.arguments.slice(0, middle), called.arguments.slice(middle)];
      return [
        delta({ tool_calls: [{ index, id, type, function: { name: called.name, arguments: first } }] }),
        delta({ tool_calls: [{ index, function: { arguments: second } }] }),
      ];
    }),
    delta({}, reply.finishReason),
    ...(isUsageWanted ? [chunk([], { usage: reply.usage })] : []),
    done,
  ];
}
