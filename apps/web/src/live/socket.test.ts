import type { ClientFrame, ServerFrame } from "@millrace/contracts";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { LiveEnvironment, SocketHandlers, SocketLike } from "./environment.ts";
import { LiveSocket } from "./socket.ts";
import type { Refusal, Snapshot, TopicEvent } from "./watched-topic.ts";

class FakeSocket implements SocketLike {
  readonly handlers: SocketHandlers;
  readonly sent: ClientFrame[] = [];
  isClosed = false;

  constructor(handlers: SocketHandlers) {
    this.handlers = handlers;
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text) as ClientFrame);
  }

  close(): void {
    this.isClosed = true;
  }

  hello(heartbeat = 20): void {
    this.receive({ t: "hello", server_time: "2026-11-20T12:00:00Z", heartbeat, session: "s" });
  }

  receive(frame: ServerFrame): void {
    this.handlers.onMessage(JSON.stringify(frame));
  }

  drop(code = 1006): void {
    this.handlers.onClose(code);
  }
}

class Browser {
  readonly sockets: FakeSocket[] = [];
  readonly frames: (() => void)[] = [];
  random = 1;
  wake: () => void = () => undefined;

  readonly environment: LiveEnvironment = {
    openSocket: (handlers) => {
      const socket = new FakeSocket(handlers);
      this.sockets.push(socket);
      return socket;
    },
    random: () => this.random,
    watchWake: (onWake) => {
      this.wake = onWake;
      return () => undefined;
    },
    beforePaint: (run) => this.frames.push(run),
  };

  get socket(): FakeSocket {
    return this.sockets.at(-1)!;
  }

  paint(): void {
    for (const run of this.frames.splice(0)) run();
  }
}

const topic = "document:1";

function event(seq: number | null): ServerFrame {
  return { t: "ev", topic, seq, type: "document.logged", data: {}, at: "2026-11-20T12:00:00Z" };
}

function snap(seq: number): ServerFrame {
  return { t: "snap", topic, seq, data: { seq } };
}

function refusal(seconds?: number): ServerFrame {
  const frame = { t: "err", topic, code: "database_unavailable", message: "Later." } as const;
  return seconds === undefined ? { ...frame, code: "not_found" } : { ...frame, retry_after_seconds: seconds };
}

class Received {
  readonly snapshots: number[] = [];
  readonly batches: (number | null)[][] = [];
  readonly refusals: string[] = [];
  readonly listener = {
    onSnapshot: (snapshot: Snapshot) => this.snapshots.push(snapshot.seq),
    onEvents: (events: readonly TopicEvent[]) => this.batches.push(events.map(({ seq }) => seq)),
    onRefused: ({ code }: Refusal) => this.refusals.push(code),
  };

  get numbers(): (number | null)[] {
    return this.batches.flat();
  }
}

let browser: Browser;
let live: LiveSocket;
let received: Received;

beforeEach(() => {
  vi.useFakeTimers();
  browser = new Browser();
  live = new LiveSocket(browser.environment);
  received = new Received();
});

afterEach(() => {
  live.stop();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

describe("LiveSocket, delivering", () => {
  it("subscribes once the server has said hello", () => {
    live.subscribe(topic, received.listener);
    live.start();
    expect(browser.socket.sent).toEqual([]);

    browser.socket.hello();

    expect(browser.socket.sent).toEqual([{ op: "sub", topic }]);
    expect(live.state).toBe("live");
  });

  it("delivers what came within one frame as one batch", () => {
    live.subscribe(topic, received.listener);
    live.start();
    browser.socket.hello();

    for (const frame of [snap(4), event(5), event(6), event(7)]) browser.socket.receive(frame);
    expect(received.snapshots).toEqual([]);
    browser.paint();

    expect(received.snapshots).toEqual([4]);
    expect(received.batches).toEqual([[5, 6, 7]]);
  });

  it("drops events it has seen", () => {
    live.subscribe(topic, received.listener);
    live.start();
    browser.socket.hello();

    for (const frame of [snap(4), event(3), event(4), event(5), event(5)]) browser.socket.receive(frame);
    browser.paint();

    expect(received.numbers).toEqual([5]);
  });

  it("delivers change notices, which have no number, every time", () => {
    live.subscribe(topic, received.listener);
    live.start();
    browser.socket.hello();

    for (const frame of [snap(4), event(null), event(null)]) browser.socket.receive(frame);
    browser.paint();

    expect(received.numbers).toEqual([null, null]);
  });

  it("resumes after the last number seen, without gap and without duplicate", () => {
    live.subscribe(topic, received.listener);
    live.start();
    browser.socket.hello();
    for (const frame of [snap(1), event(2), event(3)]) browser.socket.receive(frame);
    browser.socket.drop();
    vi.advanceTimersByTime(500);

    browser.socket.hello();
    expect(browser.socket.sent).toEqual([{ op: "sub", topic, since: 3 }]);
    for (const frame of [snap(5), event(3), event(4), event(5), event(6)]) browser.socket.receive(frame);
    browser.paint();

    expect(received.numbers).toEqual([2, 3, 4, 5, 6]);
    expect(received.snapshots).toEqual([1, 5]);
  });

  it("asks for what happened before, for those who want it", () => {
    live.subscribe(topic, received.listener, { fromStart: true });
    live.start();
    browser.socket.hello();

    for (const frame of [snap(2), event(1), event(2), event(3)]) browser.socket.receive(frame);
    browser.paint();

    expect(browser.socket.sent).toEqual([{ op: "sub", topic, since: 0 }]);
    expect(received.numbers).toEqual([1, 2, 3]);
  });

  it("starts over from the snapshot when the history has expired", () => {
    live.subscribe(topic, received.listener);
    live.start();
    browser.socket.hello();
    for (const frame of [snap(1), event(2)]) browser.socket.receive(frame);

    browser.socket.receive({ t: "reset", topic });
    for (const frame of [snap(90), event(90), event(91)]) browser.socket.receive(frame);
    browser.paint();

    expect(received.numbers).toEqual([2, 91]);
  });

  it("says between what was told and the new snapshot that the history has expired", () => {
    const told: string[] = [];
    live.subscribe(
      topic,
      {
        onSnapshot: ({ seq }) => told.push(`snapshot ${seq}`),
        onEvents: (events) => told.push(`events ${events.map(({ seq }) => seq).join()}`),
        onReset: () => told.push("reset"),
      },
      { fromStart: true },
    );
    live.start();
    browser.socket.hello();

    for (const frame of [snap(90), event(1), event(2)]) browser.socket.receive(frame);
    browser.socket.receive({ t: "reset", topic });
    for (const frame of [snap(90), event(91)]) browser.socket.receive(frame);
    browser.paint();

    expect(told).toEqual(["snapshot 90", "events 1,2", "reset", "snapshot 90", "events 91"]);
  });

  it("follows a stream that began anew with lower numbers", () => {
    live.subscribe(topic, received.listener);
    live.start();
    browser.socket.hello();
    for (const frame of [snap(40), event(41), snap(0), event(1)]) browser.socket.receive(frame);
    browser.paint();

    expect(received.numbers).toEqual([41, 1]);
  });
});

describe("LiveSocket, refused a subscription", () => {
  beforeEach(() => {
    live.subscribe(topic, received.listener);
    live.start();
    browser.socket.hello();
    browser.socket.sent.splice(0);
  });

  it("asks again later each time, within a minute, and never sooner than it was told", () => {
    const pauses = [10, 20, 40, 60, 60].map((seconds) => {
      browser.socket.receive(refusal(5));
      const answered = setInterval(() => browser.socket.receive({ t: "pong" }), 4_000);
      vi.advanceTimersByTime(seconds * 1_000 - 1);
      const early = browser.socket.sent.filter(({ op }) => op === "sub").length;
      vi.advanceTimersByTime(1);
      clearInterval(answered);
      return browser.socket.sent.splice(0).filter(({ op }) => op === "sub").length - early;
    });
    expect(pauses).toEqual([1, 1, 1, 1, 1]);

    browser.random = 0;
    browser.socket.receive(refusal(5));
    vi.advanceTimersByTime(4_999);
    expect(browser.socket.sent).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(browser.socket.sent).toEqual([{ op: "sub", topic }]);
  });

  it("goes on where it stood, without gap and without duplicate", () => {
    for (const frame of [snap(1), event(2), refusal(5)]) browser.socket.receive(frame);

    vi.advanceTimersByTime(10_000);
    expect(browser.socket.sent).toEqual([{ op: "sub", topic, since: 2 }]);
    for (const frame of [snap(4), event(3), event(4), event(5)]) browser.socket.receive(frame);
    browser.paint();

    expect(received.numbers).toEqual([2, 3, 4, 5]);
  });

  it("reports reconnecting, then polling, and live when the topic is there", () => {
    const states: string[] = [];
    live.onStateChange(() => states.push(live.state));

    browser.socket.receive(refusal(5));
    vi.advanceTimersByTime(10_000);
    browser.socket.receive(refusal(5));
    vi.advanceTimersByTime(20_000);
    browser.socket.receive(snap(1));

    expect(states).toEqual(["reconnecting", "polling", "live"]);
  });

  it("asks once after a reconnect in between", () => {
    browser.socket.receive(refusal(5));
    browser.socket.drop();
    vi.advanceTimersByTime(500);
    browser.socket.hello();

    vi.advanceTimersByTime(15_000);

    expect(browser.socket.sent).toEqual([{ op: "sub", topic }]);
    expect(live.state).toBe("reconnecting");
  });

  it("no longer asks for what nobody watches", () => {
    const release = live.subscribe(topic, received.listener);
    browser.socket.sent.splice(0);
    browser.socket.receive(refusal(5));

    release();
    vi.advanceTimersByTime(15_000);

    expect(browser.socket.sent).toEqual([{ op: "unsub", topic }]);
    expect(live.state).toBe("live");
  });

  it("says again that nobody watches a topic when that was dropped", () => {
    live.subscribe("document:2", new Received().listener)();
    browser.socket.sent.splice(0);

    browser.socket.receive({ ...refusal(1), topic: "document:2" } as ServerFrame);
    vi.advanceTimersByTime(999);
    expect(browser.socket.sent).toEqual([]);
    vi.advanceTimersByTime(1_001);

    expect(browser.socket.sent).toEqual([{ op: "unsub", topic: "document:2" }]);
    expect(live.state).toBe("live");
  });

  it("leaves a topic alone that is watched anew before it would say again that nobody does", () => {
    live.subscribe("document:2", new Received().listener)();
    browser.socket.receive({ ...refusal(1), topic: "document:2" } as ServerFrame);
    live.subscribe("document:2", new Received().listener);
    browser.socket.sent.splice(0);

    vi.advanceTimersByTime(5_000);

    expect(browser.socket.sent).toEqual([]);
  });

  it("tells the listener of what is refused for good, and does not ask again", () => {
    browser.socket.receive(refusal());
    vi.advanceTimersByTime(19_000);

    expect(received.refusals).toEqual(["not_found"]);
    expect(browser.socket.sent).toEqual([]);
    expect(live.state).toBe("live");
  });
});

describe("LiveSocket, connecting", () => {
  it("waits longer after each failure, at most 15 seconds", () => {
    live.start();

    const opened = [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000].map((delayMs) => {
      browser.socket.drop();
      const before = browser.sockets.length;
      vi.advanceTimersByTime(delayMs - 1);
      expect(browser.sockets).toHaveLength(before);
      vi.advanceTimersByTime(1);
      return browser.sockets.length - before;
    });

    expect(opened).toEqual([1, 1, 1, 1, 1, 1, 1]);
  });

  it("reports polling after two failed attempts and live again after hello", () => {
    const states: string[] = [];
    live.onStateChange(() => states.push(live.state));
    live.start();

    browser.socket.drop();
    vi.advanceTimersByTime(500);
    browser.socket.drop();
    vi.advanceTimersByTime(1_000);
    browser.socket.hello();

    expect(states).toEqual(["reconnecting", "polling", "live"]);
  });

  it("reconnects at once when the network is back", () => {
    live.start();
    browser.socket.drop();

    browser.wake();

    expect(browser.sockets).toHaveLength(2);
  });

  it("tries at once when told that the server answers again", () => {
    live.start();
    browser.socket.drop();

    live.hurry();
    expect(browser.sockets).toHaveLength(2);

    browser.socket.hello();
    live.hurry();
    expect(browser.sockets).toHaveLength(2);
  });

  it("treats a silent connection as lost", () => {
    live.start();
    browser.socket.hello(10);

    vi.advanceTimersByTime(25_000);

    expect(browser.sockets[0]?.isClosed).toBe(true);
    expect(live.state).toBe("reconnecting");
  });

  it("stays connected while the server answers pings", () => {
    live.start();
    browser.socket.hello(10);

    for (let round = 0; round < 6; round += 1) {
      vi.advanceTimersByTime(10_000);
      browser.socket.receive({ t: "pong" });
    }

    expect(browser.sockets).toHaveLength(1);
    expect(browser.socket.sent).toHaveLength(6);
  });

  it("gives up a connection that never says hello", () => {
    live.start();

    vi.advanceTimersByTime(10_000);

    expect(live.state).toBe("reconnecting");
  });

  it("does not knock again when the session is not signed in", () => {
    live.start();

    browser.socket.drop(4401);
    vi.advanceTimersByTime(60_000);

    expect(live.state).toBe("signed_out");
    expect(browser.sockets).toHaveLength(1);
  });

  it("tells the server what is no longer watched and delivers nothing more of it", () => {
    const release = live.subscribe(topic, received.listener);
    live.start();
    browser.socket.hello();
    browser.socket.receive(snap(1));

    release();
    browser.socket.receive(event(2));
    browser.paint();

    expect(browser.socket.sent.at(-1)).toEqual({ op: "unsub", topic });
    expect(received.snapshots).toEqual([]);
    expect(received.numbers).toEqual([]);
  });

  it("ignores frames it can't read", () => {
    live.subscribe(topic, received.listener);
    live.start();
    browser.socket.hello();

    browser.socket.handlers.onMessage("{half");
    browser.socket.handlers.onMessage(JSON.stringify({ t: "of tomorrow" }));
    browser.socket.receive(snap(1));
    browser.paint();

    expect(received.snapshots).toEqual([1]);
  });
});
