import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { parseJson } from "@millrace/kernel";

export type OddRequest = { readonly path: string; readonly body: Record<string, unknown> };
export type OddServer = {
  readonly url: string;
  readonly requests: readonly OddRequest[];
  readonly stop: () => Promise<void>;
};

/** A server whose every answer the test writes by hand, for what healthy servers never do. */
export async function startOddServer(
  answer: (request: OddRequest, response: ServerResponse, number: number) => void,
): Promise<OddServer> {
  const requests: OddRequest[] = [];
  const server = createServer((incoming, response) => {
    void readBody(incoming).then((body) => {
      const request = { path: incoming.url ?? "", body };
      requests.push(request);
      answer(request, response, requests.length);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    requests,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export function sendChat(
  response: ServerResponse,
  content: string,
  finishReason: string | null = "stop",
): void {
  sendJson(response, 200, {
    id: "1",
    object: "chat.completion",
    created: 1,
    model: "odd",
    choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: finishReason }],
  });
}

export function sendJson(response: ServerResponse, status: number, body: unknown, headers = {}): void {
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
}

async function readBody(incoming: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return parseJson(Buffer.concat(chunks).toString()) as Record<string, unknown>;
}
