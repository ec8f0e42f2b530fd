import { QueryClient } from "@tanstack/react-query";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { problemFrom } from "../api/problem.ts";
import type { Session } from "../api/requests.ts";
import type { SocketHandlers } from "./environment.ts";
import { askWhenSignedOut } from "./signed-out.ts";
import { LiveSocket } from "./socket.ts";

const signedIn = { required: true, signed_in: true };

let opened: SocketHandlers[];
let asked: number;
let answer: () => Promise<Session>;
let socket: LiveSocket;
let stopAsking: () => void;

beforeEach(() => {
  vi.useFakeTimers();
  opened = [];
  asked = 0;
  answer = () => Promise.resolve(signedIn);
  const queries = new QueryClient({ defaultOptions: { queries: { gcTime: Number.POSITIVE_INFINITY } } });
  socket = new LiveSocket({
    openSocket: (handlers) => {
      opened.push(handlers);
      return { send: () => undefined, close: () => undefined };
    },
    random: () => 1,
    watchWake: () => () => undefined,
    beforePaint: (run) => run(),
  });
  stopAsking = askWhenSignedOut(queries, socket, () => {
    asked += 1;
    return answer();
  });
  socket.start();
});
afterEach(() => {
  stopAsking();
  socket.stop();
  vi.useRealTimers();
});

async function refuse(): Promise<void> {
  opened.at(-1)?.onClose(4401);
  await vi.advanceTimersByTimeAsync(0);
}

describe("askWhenSignedOut", () => {
  it("connects again when somebody signed in elsewhere", async () => {
    await refuse();
    await vi.advanceTimersByTimeAsync(500);

    opened[1]?.onMessage(JSON.stringify({ t: "hello", server_time: "", heartbeat: 20, session: "s" }));

    expect(asked).toBe(1);
    expect(socket.state).toBe("live");
  });

  it("connects again when the server can't say who is signed in", async () => {
    answer = () => Promise.reject(problemFrom({ status: 503, body: "", retryAfter: null }));

    await refuse();
    await vi.advanceTimersByTimeAsync(500);

    expect(opened).toHaveLength(2);
  });

  it("waits longer each time while the socket is refused in spite of the session", async () => {
    for (const pauseMs of [500, 1_000, 2_000, 4_000]) {
      const before = opened.length;
      await refuse();
      await vi.advanceTimersByTimeAsync(pauseMs - 1);
      expect(opened).toHaveLength(before);
      await vi.advanceTimersByTimeAsync(1);
      expect(opened).toHaveLength(before + 1);
    }

    expect(asked).toBe(4);
  });

  it("leaves it at that when nobody is signed in", async () => {
    answer = () => Promise.resolve({ required: true, signed_in: false });

    await refuse();
    await vi.advanceTimersByTimeAsync(60_000);

    expect(opened).toHaveLength(1);
    expect(socket.state).toBe("signed_out");
  });

  it("does not connect a socket that was stopped meanwhile", async () => {
    opened[0]?.onClose(4401);
    socket.stop();

    await vi.advanceTimersByTimeAsync(60_000);

    expect(opened).toHaveLength(1);
  });
});
