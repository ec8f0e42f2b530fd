import { InfiniteQueryObserver, QueryClient, QueryObserver } from "@tanstack/react-query";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { testAnalysis, testDocument } from "../../test/sample-document.ts";
import { queryKeys } from "../api/query-keys.ts";
import { viewFromRequests } from "../documents/document-view.ts";
import { askKeys } from "../ask/ask-keys.ts";
import { summaryKeys } from "../summaries/summary-keys.ts";
import type { SocketHandlers } from "./environment.ts";
import { QueryRenewals } from "./query-renewals.ts";
import { LiveSocket } from "./socket.ts";
import { followWorkspace } from "./workspace-notices.ts";

let handlers: SocketHandlers;
let socket: LiveSocket;
let queries: QueryClient;
let renewals: QueryRenewals;
let refetches: number;
let release: () => void;

beforeEach(() => {
  vi.useFakeTimers();
  refetches = 0;
  socket = new LiveSocket({
    openSocket: (given) => {
      handlers = given;
      return { send: () => undefined, close: () => undefined };
    },
    random: () => 1,
    watchWake: () => () => undefined,
    beforePaint: (run) => run(),
  });
  queries = new QueryClient();
  renewals = new QueryRenewals(queries);
  queries.setQueryData(queryKeys.documentStats, {});
  queries.getQueryCache().subscribe((event) => {
    if (event.type !== "updated" || event.action.type !== "invalidate") return;
    if (String(event.query.queryKey) === String(queryKeys.documentStats)) {
      refetches += 1;
      // Fresh again: an invalidated entry is not invalidated twice.
      queries.setQueryData(queryKeys.documentStats, {});
    }
  });
  release = followWorkspace({ queries, renewals, socket, isFollowed: (id) => id === "followed" });
  socket.start();
  hello();
});

afterEach(() => {
  release();
  renewals.stop();
  queries.clear();
  socket.stop();
  vi.useRealTimers();
});

function hello(): void {
  handlers.onMessage(JSON.stringify({ t: "hello", server_time: "", heartbeat: 20, session: "s" }));
}

function notice(documentId: string): void {
  tell("document.changed", { document_id: documentId });
}

function tell(type: string, data: Readonly<Record<string, string>>): void {
  handlers.onMessage(JSON.stringify({ t: "ev", topic: "workspace", seq: null, type, data, at: "" }));
}

describe("followWorkspace", () => {
  it("gathers many notices into one refetch", () => {
    for (const id of ["a", "b", "c"]) notice(id);

    vi.advanceTimersByTime(400);

    expect(refetches).toBe(1);
  });

  it("asks for the list of summaries, and for no document, when a summary changes", () => {
    queries.setQueryData(summaryKeys.list, {});
    for (let count = 0; count < 3; count += 1) tell("summary.changed", { summary_id: "a" });

    vi.advanceTimersByTime(400);

    expect(queries.getQueryState(summaryKeys.list)?.isInvalidated).toBe(true);
    expect(refetches).toBe(0);
  });

  it("asks for the list of questions, and for no other, when a question changes", () => {
    queries.setQueryData(askKeys.list, {});
    queries.setQueryData(summaryKeys.list, {});
    tell("ask.changed", { ask_id: "a" });

    vi.advanceTimersByTime(400);

    expect(queries.getQueryState(askKeys.list)?.isInvalidated).toBe(true);
    expect(queries.getQueryState(summaryKeys.list)?.isInvalidated).toBe(false);
    expect(refetches).toBe(0);
  });

  it("asks for no document when a crew works", () => {
    tell("crew_run.changed", { crew_run_id: "a" });

    vi.advanceTimersByTime(10_000);

    expect(refetches).toBe(0);
  });

  it("takes its time with documents that are followed by themselves", () => {
    notice("followed");
    vi.advanceTimersByTime(3_999);
    expect(refetches).toBe(0);

    vi.advanceTimersByTime(1);

    expect(refetches).toBe(1);
  });

  it("does not let a followed document delay the news of another", () => {
    notice("followed");
    notice("a");

    vi.advanceTimersByTime(400);

    expect(refetches).toBe(1);
  });

  it("renews the page of a document at rest, and leaves one that is worked on to its events", () => {
    for (const status of ["completed", "processing"] as const) {
      queries.setQueryData(
        queryKeys.document(status),
        viewFromRequests(testDocument({ id: status, status }), testAnalysis()),
      );
      notice(status);
    }

    vi.advanceTimersByTime(400);

    expect(queries.getQueryState(queryKeys.document("completed"))?.isInvalidated).toBe(true);
    expect(queries.getQueryState(queryKeys.document("processing"))?.isInvalidated).toBe(false);
  });

  it("refetches after a lost connection, not after the first one", () => {
    vi.advanceTimersByTime(1_000);
    expect(refetches).toBe(0);

    handlers.onClose(1006);
    vi.advanceTimersByTime(500);
    hello();
    vi.advanceTimersByTime(400);

    expect(refetches).toBe(1);
  });
});

describe("a list that takes 700 ms, with a notice every 300 ms", () => {
  /** How many changes there were when the server was asked. */
  let changes = 0;

  function answer<Value>(value: Value): Promise<Value> {
    return new Promise((resolve) => setTimeout(() => resolve(value), 700));
  }

  async function changeEvery300Ms(times: number): Promise<void> {
    for (let time = 0; time < times; time += 1) {
      changes += 1;
      notice("a");
      await vi.advanceTimersByTimeAsync(300);
    }
  }

  it("is renewed all the time, and in the end shows the last change", async () => {
    const seen = new Set<number>();
    const list = new QueryObserver(queries, {
      queryKey: queryKeys.recentDocuments,
      queryFn: () => answer(changes),
    });
    const leave = list.subscribe(({ data }) => data !== undefined && seen.add(data));

    await changeEvery300Ms(20);
    const seenMeanwhile = seen.size;
    await vi.advanceTimersByTimeAsync(2000);

    expect(seenMeanwhile).toBeGreaterThan(5);
    expect(list.getCurrentResult().data).toBe(changes);
    leave();
  });

  const pagesOfQuestions = () =>
    new InfiniteQueryObserver(queries, {
      queryKey: askKeys.list,
      queryFn: ({ pageParam }) => answer({ pageParam, changes }),
      initialPageParam: 1,
      getNextPageParam: (_page, pages) => pages.length + 1,
    });

  it("gets the further page that somebody asks for, and the last change", async () => {
    const list = pagesOfQuestions();
    const leave = list.subscribe(() => undefined);
    await vi.advanceTimersByTimeAsync(700);
    tell("ask.changed", { ask_id: "a" });
    await vi.advanceTimersByTimeAsync(500);

    void list.fetchNextPage();
    for (let time = 0; time < 4; time += 1) {
      changes += 1;
      tell("ask.changed", { ask_id: "a" });
      await vi.advanceTimersByTimeAsync(300);
    }
    const pagesMeanwhile = list.getCurrentResult().data?.pages.length;
    await vi.advanceTimersByTimeAsync(5000);

    expect(pagesMeanwhile).toBe(2);
    expect(list.getCurrentResult().data?.pages.map((page) => page.changes)).toEqual([changes, changes]);
    leave();
  });

  it("owes the renewal whose place a further page took", async () => {
    const list = pagesOfQuestions();
    const leave = list.subscribe(() => undefined);
    await vi.advanceTimersByTimeAsync(700);
    changes += 1;
    tell("ask.changed", { ask_id: "a" });
    await vi.advanceTimersByTimeAsync(500);

    void list.fetchNextPage();
    await vi.advanceTimersByTimeAsync(5000);

    expect(list.getCurrentResult().data?.pages.map((page) => page.changes)).toEqual([changes, changes]);
    leave();
  });
});
