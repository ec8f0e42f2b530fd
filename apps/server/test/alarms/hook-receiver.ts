import { createServer } from "node:http";
import type { IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";

export type ReceivedHook = {
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** What it was answered. */
  readonly answer: HookReceiver["answer"];
  readonly body: { readonly type: string; readonly data: { readonly kind: string; readonly id: string } };
};

export type HookReceiver = {
  readonly url: string;
  readonly received: readonly ReceivedHook[];
  /** What is answered from now on: a status, a place elsewhere, or nothing at all. */
  answer: number | "redirect" | "silence";
  readonly close: () => Promise<void>;
};

/** Somebody who takes webhooks, on a free port. */
export async function startHookReceiver(): Promise<HookReceiver> {
  const received: ReceivedHook[] = [];
  const server = createServer((request, response) => {
    let text = "";
    request.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
    request.on("end", () => {
      const { answer } = receiver;
      received.push({
        headers: request.headers,
        text,
        answer,
        body: JSON.parse(text) as ReceivedHook["body"],
      });
      if (answer === "silence") return;
      if (answer === "redirect") response.writeHead(307, { location: "/elsewhere" }).end();
      else response.writeHead(answer).end("thank you");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const receiver: HookReceiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    received,
    answer: 204,
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
  return receiver;
}
