import { QueryClient, QueryObserver } from "@tanstack/react-query";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { SocketHandlers } from "../live/environment.ts";
import { QueryRenewals } from "../live/query-renewals.ts";
import { LiveSocket } from "../live/socket.ts";
import { followMonitor } from "./monitor-notices.ts";
import { monitorKey } from "./parts/monitor-keys.ts";

let handlers: SocketHandlers;
let queries: QueryClient;
let renewals: QueryRenewals;
let release: () => void;

beforeEach(() => {
  vi.useFakeTimers();
  queries = new QueryClient();
  renewals = new QueryRenewals(queries);
  queries.setQueryData(monitorKey("queues"), []);
  queries.setQueryData(["documents"], []);
  const socket = new LiveSocket({
    openSocket: (given) => {
      handlers = given;
      return { send: () => undefined, close: () => undefined };
    },
    random: () => 0,
    watchWake: () => () => undefined,
    beforePaint: (run) => run(),
  });
  release = followMonitor(renewals, socket);
  socket.start();
});
afterEach(() => {
  release();
  renewals.stop();
  vi.useRealTimers();
});

function isOld(key: readonly unknown[]): boolean {
  return queries.getQueryState(key)?.isInvalidated === true;
}

function receive(topic: string): void {
  handlers.onMessage(
    JSON.stringify({ t: "ev", topic, seq: null, type: "job.changed", data: {}, at: "2026-11-20T12:00:00Z" }),
  );
}

describe("followMonitor", () => {
  it.each(["monitor", "jobs"])("makes the monitor's answers old on a notice of %s", (topic) => {
    receive(topic);
    vi.advanceTimersByTime(1000);

    expect(isOld(monitorKey("queues"))).toBe(true);
    expect(isOld(["documents"])).toBe(false);
  });

  it("asks once for many notices", () => {
    const asked = vi.spyOn(queries, "invalidateQueries");

    for (let notice = 0; notice < 50; notice++) receive("jobs");
    vi.advanceTimersByTime(1000);

    expect(asked).toHaveBeenCalledTimes(1);
  });

  it("leaves what is costly to the poll", () => {
    const key = monitorKey("failures");
    queries
      .getQueryCache()
      .build(queries, { queryKey: key, meta: { isCostly: true } })
      .setData([]);

    receive("jobs");
    vi.advanceTimersByTime(1000);

    expect(isOld(key)).toBe(false);
  });

  it("asks when the socket is back, since what happened meanwhile was not told", () => {
    handlers.onMessage(
      JSON.stringify({ t: "hello", server_time: "2026-11-20T12:00:00Z", heartbeat: 20, session: "s" }),
    );
    vi.advanceTimersByTime(1000);

    expect(isOld(monitorKey("queues"))).toBe(true);
  });

  it("asks once more for what changed while it was asked for, also when its pages were left meanwhile", async () => {
    const answers: ((answer: string) => void)[] = [];
    const observer = new QueryObserver(queries, {
      queryKey: monitorKey("workers"),
      queryFn: () => new Promise<string>((resolve) => answers.push(resolve)),
    });
    const unsubscribe = observer.subscribe(() => undefined);
    receive("jobs");
    vi.advanceTimersByTime(1000);
    expect(answers).toHaveLength(1);

    release();
    answers[0]?.("old");
    await vi.waitFor(() => expect(answers).toHaveLength(2));

    answers[1]?.("new");
    await vi.waitFor(() => expect(observer.getCurrentResult().data).toBe("new"));
    unsubscribe();
  });

  it("asks no more after it was released", () => {
    receive("jobs");
    release();
    vi.advanceTimersByTime(5000);

    expect(isOld(monitorKey("queues"))).toBe(false);
  });
});
