import { describe, expect, it } from "vitest";
import { readEvents } from "./event-stream.ts";
import type { ServerSentEvent } from "./event-stream.ts";

async function read(...chunks: readonly (string | Uint8Array)[]): Promise<ServerSentEvent[]> {
  const bytes = chunks.map((chunk) => (typeof chunk === "string" ? Buffer.from(chunk) : chunk));
  return await Array.fromAsync(readEvents(ReadableStream.from(bytes)));
}

describe("readEvents", () => {
  it("gives id, type and data, without comments and fields of no use", async () => {
    expect(await read("retry: 2000\n\n: heartbeat\n\nid: 7\nevent: document.failed\ndata: {}\n\n")).toEqual([
      { id: "7", type: "document.failed", text: "{}" },
    ]);
  });

  it("joins data lines and takes every kind of line end", async () => {
    expect(await read("data: a\r\ndata: b\r\n\r\n", "data:c\n\n")).toEqual([
      { id: undefined, type: "message", text: "a\nb" },
      { id: undefined, type: "message", text: "c" },
    ]);
  });

  it("is not confused by chunks that end anywhere, inside a character or a line end", async () => {
    const bytes = Buffer.from("id: 1\r\ndata: Prüfung\r\n\r\n");
    const single = [...bytes].map((byte) => Uint8Array.of(byte));

    expect(await read(...single)).toEqual([{ id: "1", type: "message", text: "Prüfung" }]);
  });

  it("leaves out an event that was cut off", async () => {
    expect(await read("data: whole\n\nid: 2\ndata: half")).toEqual([
      { id: undefined, type: "message", text: "whole" },
    ]);
  });
});
