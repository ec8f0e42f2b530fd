/** What every relay between processes must do. */
import { startFaultProxy, waitFor } from "@millrace/testing";
import type { FaultProxy } from "@millrace/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { missedNews } from "../../src/events/event-relay.ts";
import type { EventNews, EventRelay } from "../../src/events/event-relay.ts";

export type RelayGround = {
  /** Of the server that carries the news. */
  readonly url: string;
  /** A relay of one more process, not started, with short times. Told to hear at `url`. */
  readonly create: (url: string) => Promise<EventRelay>;
  /** How many connections the relay has at `url` while it only sends. */
  readonly sendingConnections: number;
  readonly close: () => Promise<void>;
};

/** The times of a relay under test, in ms. What is given for an answer must do for a busy machine. */
export const shortTimes = { lookEveryMs: 50, answerMs: 2_000, minPauseMs: 20, maxPauseMs: 50 };

const news = (seq: number): EventNews => ({ heads: [{ stream: "job:a", seq }], crowded: [], notices: [] });

export function relaySuite(name: string, openGround: () => Promise<RelayGround>): void {
  describe(`a relay over ${name}`, () => {
    let ground: RelayGround;
    let proxy: FaultProxy;
    let relays: EventRelay[] = [];

    beforeEach(async () => {
      ground = await openGround();
      proxy = await startFaultProxy({ target: ground.url });
    });
    afterEach(async () => {
      for (const relay of relays) await relay.stop();
      relays = [];
      await proxy.stop();
      await ground.close();
    });

    const start = async (url = ground.url): Promise<EventRelay> => {
      const relay = await ground.create(url);
      relays.push(relay);
      await relay.start();
      return relay;
    };

    /** One that hears; gives what it heard since. */
    const listen = async (url = ground.url) => {
      const relay = await start(url);
      const heard: EventNews[] = [];
      const unsubscribe = relay.subscribe((some) => void heard.push(some));
      await waitFor(() => relay.isHearing(), { describe: "the relay to hear" });
      return { relay, heard, unsubscribe };
    };

    const expectToHear = async ({ relay, heard }: Awaited<ReturnType<typeof listen>>): Promise<void> => {
      await waitFor(() => relay.isHearing(), { describe: "the relay to hear again" });
      const sender = await start();
      await waitFor(
        () =>
          sender.send(news(99)).then(
            () => true,
            () => undefined,
          ),
        { describe: "the relay to send" },
      );
      await expect.poll(() => heard.at(-1)).toEqual(news(99));
    };

    it("carries news to all others, and not back", async () => {
      const one = await listen();
      const two = await listen();

      await one.relay.send(news(1));
      await two.relay.send(news(2));

      await expect.poll(() => one.heard).toEqual([missedNews, news(2)]);
      await expect.poll(() => two.heard).toEqual([missedNews, news(1)]);
    });

    it("carries more than fits into one message", async () => {
      const { heard } = await listen();
      const { relay } = await listen();
      const heads = Array.from({ length: 500 }, (_value, nth) => ({ stream: `document:${nth}`, seq: nth }));

      await relay.send({ heads, crowded: [], notices: [] });

      await expect.poll(() => heard.flatMap((some) => some.heads)).toEqual(heads);
    });

    it("says after a lost connection that news may have been missed, and hears again", async () => {
      const opened = await listen(proxy.through(ground.url));

      proxy.refuse();
      await waitFor(() => !opened.relay.isHearing(), { describe: "the relay to notice" });
      proxy.restore();

      await expect.poll(() => opened.heard).toEqual([missedNews, missedNews]);
      await expectToHear(opened);
    });

    it("notices a connection that is silently dead, and hears over a new one", async () => {
      const opened = await listen(proxy.through(ground.url));

      proxy.set({ kind: "black_hole" }, { scope: "existing" });
      await waitFor(() => !opened.relay.isHearing(), { describe: "the relay to notice" });

      await expectToHear(opened);
    });

    it("starts while the server is away, and hears when it is there", async () => {
      proxy.refuse();
      const relay = await start(proxy.through(ground.url));
      const heard: EventNews[] = [];
      relay.subscribe((some) => void heard.push(some));
      await waitFor(() => proxy.counts().refused > 1, { describe: "tries to connect" });

      proxy.restore();

      await expect.poll(() => heard).toEqual([missedNews]);
    });

    it("does not connect to hear while nobody subscribes", async () => {
      const relay = await start(proxy.through(ground.url));

      await waitFor(
        () =>
          relay.send(news(1)).then(
            () => true,
            () => undefined,
          ),
        { describe: "the relay to send" },
      );

      expect(relay.isHearing()).toBe(false);
      expect(proxy.counts().open).toBe(ground.sendingConnections);
    });

    it("calls back no more after unsubscribing, and leaves no connection when it stops", async () => {
      const { relay, heard, unsubscribe } = await listen(proxy.through(ground.url));

      unsubscribe();
      const other = await listen();
      await relay.send(news(1));
      await expect.poll(() => other.heard).toContainEqual(news(1));
      await other.relay.send(news(2));
      await relay.stop();
      await relay.stop();

      expect(heard).toEqual([missedNews]);
      await expect.poll(() => proxy.counts().open).toBe(0);
    });

    it("stops before it was started", async () => {
      const relay = await ground.create(ground.url);

      await relay.stop();

      expect(relay.isHearing()).toBe(false);
    });
  });
}
