/** One event of a `text/event-stream` response. */
export type ServerSentEvent = {
  readonly id: string | undefined;
  readonly type: string;
  readonly text: string;
};

/** Longer lines than any event of ours: what sends them is not a Millrace. */
const maxBufferedCharacters = 16_000_000;

/** The events of a response body, in order, until it ends. Comments are left out. */
export async function* readEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<ServerSentEvent> {
  const decoder = new TextDecoder();
  let rest = "";
  let fields = new Map<string, string>();
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true });
    const lines = rest.split(/\r\n|\n|\r(?!$)/u);
    rest = lines.pop() ?? "";
    if (rest.length > maxBufferedCharacters)
      throw new Error("An event without end came over an event stream");
    for (const line of lines) {
      if (line !== "") {
        takeLine(fields, line);
        continue;
      }
      const text = fields.get("data");
      if (text !== undefined) yield { id: fields.get("id"), type: fields.get("event") ?? "message", text };
      fields = new Map();
    }
  }
}

function takeLine(fields: Map<string, string>, line: string): void {
  const colon = line.indexOf(":");
  if (colon === 0) return;
  const field = colon < 0 ? line : line.slice(0, colon);
  const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
  const former = fields.get(field);
  fields.set(field, field === "data" && former !== undefined ? `${former}\n${value}` : value);
}
