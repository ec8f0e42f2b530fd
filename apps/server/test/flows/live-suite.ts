import type { DocumentStatus } from "@millrace/contracts";
import { SocketClient } from "@millrace/live/testing";
import type { FakeModelServer } from "@millrace/testing";
import { describe, expect, it } from "vitest";
import type { Flow, Ground } from "./flow.ts";
import { whenAsked } from "./when-asked.ts";

type Message = {
  readonly type: string;
  readonly seq: number;
  readonly status?: DocumentStatus;
  readonly progress?: number;
  readonly job_status?: string;
  readonly message?: string;
  readonly code?: string;
};

const ends = new Set(["processing_complete", "processing_error", "processing_cancelled"]);
const text = "The wheel turns day and night. The neighbours are pleased with the flour, mostly.";

/** The articles' socket on the real wiring, compared with what is stored. */
export function liveSuite(ground: Ground, parts: () => { flow: Flow; models: FakeModelServer }): void {
  const open = (id: string, query = ""): Promise<SocketClient<Message>> => {
    const url = parts().flow.url.replace("http", "ws");
    return new SocketClient<Message>(`${url}/ws/documents/${id}/${query}`).opened();
  };
  const untilEnd = async (socket: SocketClient<Message>): Promise<Message[]> => {
    const messages: Message[] = [];
    for (;;) {
      const message = await socket.next(30_000);
      messages.push(message);
      if (ends.has(message.type)) return messages;
    }
  };

  describe(`the socket of a document, ${ground}`, () => {
    it("tells everything in order, and after a reconnect what was missed, once", async () => {
      const { flow, models } = parts();
      models.setScript((call) =>
        call.kind === "chat" ? { kind: "hold", barrier: `live-${ground}` } : undefined,
      );
      const { document } = await flow.postText(text);
      const first = await open(document.id, "?since=0");
      const status = await first.next();
      const before: Message[] = [];
      while (before.length < 6) before.push(await first.next());
      await first.close();
      models.release(`live-${ground}`);
      await flow.settled(document.id);

      const second = await open(document.id, `?since=${before.at(-1)?.seq}`);
      const statusLater = await second.next();
      const after = await untilEnd(second);
      await second.close();

      expect(status).toMatchObject({ type: "document_status" });
      expect(statusLater).toMatchObject({ type: "document_status", status: "completed", progress: 100 });
      const told = [...before, ...after];
      const stored = await flow.events(document.id);
      expect(told.map(({ seq }) => seq)).toEqual(stored.map(({ seq }) => seq));
      expect(told.map(({ seq }) => seq)).toEqual(told.map((_message, index) => index + 1));
      expect(told.at(-1)).toMatchObject({ type: "processing_complete", status: "completed" });
      const steps = told.flatMap(({ progress }) => progress ?? []);
      expect(steps).toEqual(steps.toSorted((left, right) => left - right));
      models.setScript([]);
    });

    it("says partial when a part failed", async () => {
      const { flow, models } = parts();
      models.setScript(whenAsked("topics", { kind: "garbage" }));
      const { document } = await flow.postText(text);
      const socket = await open(document.id, "?since=0");

      const messages = await untilEnd(socket);
      await socket.close();

      expect(messages.at(-1)).toMatchObject({
        type: "processing_complete",
        status: "partial",
        results: { text_length: text.length, analysis_complete: false },
      });
      models.setScript([]);
    });

    it("takes get_status and cancel_processing, and answers other things with an error", async () => {
      const { flow, models } = parts();
      models.setScript((call) => (call.kind === "chat" ? { kind: "hang" } : undefined));
      const { document, job } = await flow.postText(text);
      const socket = await open(document.id);
      await flow.until(
        () => flow.job(job.id),
        ({ state }) => state === "running",
      );

      socket.send("{");
      socket.send({ type: "get_status" });
      socket.send({ type: "cancel_processing" });
      const messages = await untilEnd(socket);
      socket.send({ type: "cancel_processing" });
      await socket.close();

      const types = messages.map(({ type }) => type);
      expect(types).toContain("error");
      expect(types.filter((type) => type === "document_status")).toHaveLength(2);
      expect(messages.at(-1)).toMatchObject({ type: "processing_cancelled" });
      expect((await flow.document(document.id)).status).toBe("cancelled");
      models.setScript([]);
    });

    it("closes for an id that names nothing", async () => {
      const socket = await open("00000000-0000-7000-8000-000000000000");

      expect((await socket.closed).code).toBe(4404);
    });
  });
}
