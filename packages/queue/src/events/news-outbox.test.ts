import { expect, it, onTestFinished } from "vitest";
import { missedNews } from "./event-relay.ts";
import type { EventNews } from "./event-relay.ts";
import { NewsBuffer } from "./news-buffer.ts";
import { NewsOutbox } from "./news-outbox.ts";

type Sending = { readonly news: EventNews; readonly end: PromiseWithResolvers<void> };

/** A relay that takes as long as the test wants, and a buffer that tells of stream after stream. */
function setUp({ slotMs = 1, retryMs = 1, lastWordMs = 5_000 } = {}) {
  const buffer = new NewsBuffer();
  const sendings: Sending[] = [];
  const failures: unknown[] = [];
  const outbox = new NewsOutbox({
    buffer,
    send: (news) => {
      const end = Promise.withResolvers<void>();
      sendings.push({ news, end });
      return end.promise;
    },
    onFailure: (error) => void failures.push(error),
    times: { slotMs, retryMs, lastWordMs },
  });
  onTestFinished(async () => {
    for (const { end } of sendings) end.resolve();
    await outbox.stop();
  });
  const tell = (...streams: string[]): void => {
    buffer.addEvents(streams.map((stream) => ({ stream, seq: 1, type: "a.b", data: {}, at: "" })));
    outbox.flushSoon();
  };
  const streamsOf = (nth: number): unknown => sendings[nth]?.news.heads.map(({ stream }) => stream);
  return { outbox, tell, sendings, failures, streamsOf };
}

it("sends the first at once, and together what comes while that is under way", async () => {
  const { tell, sendings, streamsOf } = setUp();

  tell("job:a");
  tell("job:b");
  await expect.poll(() => sendings).toHaveLength(1);
  tell("job:c");
  tell("job:d");
  sendings[0]?.end.resolve();
  await expect.poll(() => sendings).toHaveLength(2);

  expect(streamsOf(0)).toEqual(["job:a", "job:b"]);
  expect(streamsOf(1)).toEqual(["job:c", "job:d"]);
});

it("waits for the end of the slot before it sends again", async () => {
  const { tell, sendings } = setUp({ slotMs: 3_600_000, lastWordMs: 1 });

  tell("job:a");
  await expect.poll(() => sendings).toHaveLength(1);
  sendings[0]?.end.resolve();
  tell("job:b");
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));

  expect(sendings).toHaveLength(1);
});

it("says after a failure, when it can, that something was missed, though nothing new happens", async () => {
  const { outbox, tell, sendings, failures } = setUp();

  tell("job:a");
  await expect.poll(() => sendings).toHaveLength(1);
  sendings[0]?.end.reject(new Error("away"));
  await expect.poll(() => sendings).toHaveLength(2);
  const whileAway = outbox.isTelling;
  sendings[1]?.end.resolve();
  await expect.poll(() => outbox.isTelling).toBe(true);

  expect(whileAway).toBe(false);
  expect(sendings[1]?.news).toEqual(missedNews);
  expect(failures).toHaveLength(1);
});

it("sends what was told before the stop, without waiting for the slot", async () => {
  const { outbox, tell, sendings, streamsOf } = setUp({ slotMs: 3_600_000 });
  tell("job:a");
  await expect.poll(() => sendings).toHaveLength(1);
  sendings[0]?.end.resolve();
  tell("job:b");

  const stopped = outbox.stop();
  await expect.poll(() => sendings).toHaveLength(2);
  sendings[1]?.end.resolve();
  await stopped;

  expect(streamsOf(1)).toEqual(["job:b"]);
});

it("stops in time though the relay never answers", async () => {
  const { outbox, tell, sendings } = setUp({ lastWordMs: 1 });
  tell("job:a");
  await expect.poll(() => sendings).toHaveLength(1);

  await outbox.stop();

  expect(sendings).toHaveLength(1);
});
