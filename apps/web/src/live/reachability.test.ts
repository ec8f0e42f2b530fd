import { QueryClient } from "@tanstack/react-query";
import { beforeEach, describe, expect, it } from "vitest";
import { problemFrom, unreachableProblem } from "../api/problem.ts";
import { hurryWhenReachable } from "./reachability.ts";
import { LiveSocket } from "./socket.ts";

class CountingSocket extends LiveSocket {
  hurried = 0;

  override hurry(): void {
    this.hurried += 1;
  }
}

let queries: QueryClient;
let socket: CountingSocket;

beforeEach(() => {
  queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  socket = new CountingSocket({
    openSocket: () => ({ send: () => undefined, close: () => undefined }),
    random: () => 1,
    watchWake: () => () => undefined,
    beforePaint: (run) => run(),
  });
  hurryWhenReachable(queries, socket);
});

async function ask(answer: () => Promise<string>): Promise<void> {
  await queries.fetchQuery({ queryKey: ["list"], queryFn: answer, staleTime: 0 }).catch(() => undefined);
}

describe("hurryWhenReachable", () => {
  it("hurries once when the server answers again", async () => {
    await ask(() => Promise.reject(unreachableProblem()));
    await ask(() => Promise.resolve("a"));
    await ask(() => Promise.resolve("b"));

    expect(socket.hurried).toBe(1);
  });

  it("leaves the pauses alone while requests work and only the socket does not", async () => {
    await ask(() => Promise.resolve("a"));
    await ask(() => Promise.reject(problemFrom({ status: 404, body: "", retryAfter: null })));
    await ask(() => Promise.resolve("b"));

    expect(socket.hurried).toBe(0);
  });

  it("does not take data of the page itself for an answer", async () => {
    await ask(() => Promise.reject(unreachableProblem()));
    queries.setQueryData(["list"], "by hand");

    expect(socket.hurried).toBe(0);
  });
});
