import { afterEach, expect, it, vi } from "vitest";
import type { BeatRow } from "./beat-statement.ts";
import { Beats, giveUpAfterMs } from "./beats.ts";
import type { Held } from "./heartbeat.ts";

const claim = { id: "00000000-0000-7000-8000-000000000001", fence: 3 };

type Scene = {
  readonly beats: Beats;
  readonly lost: Held[];
  /** What each beat asked for. */
  readonly sent: (readonly string[])[];
  /** What the database does from now on. */
  answer: (ids: readonly string[]) => readonly BeatRow[];
};

function setUp(): Scene {
  vi.useFakeTimers({ toFake: ["performance"] });
  const lost: Held[] = [];
  const sent: (readonly string[])[] = [];
  const scene: Scene = {
    lost,
    sent,
    answer: (ids) => ids.map((id) => ({ id, is_cancel_requested: false, is_extended: true })),
    beats: new Beats({
      send: async (ids) => {
        sent.push(ids);
        return scene.answer(ids);
      },
      giveUpAfterMs: 50_000,
      listener: () => ({ onLost: (held) => void lost.push(held), onCancelRequested: () => undefined }),
    }),
  };
  return scene;
}

const fail = (): never => {
  throw new Error("nobody answers");
};

afterEach(() => vi.useRealTimers());

it("gives a claim up when its beats have not landed for long enough, and not before", async () => {
  const { beats, lost } = setUp();
  beats.hold(claim, 0);
  vi.advanceTimersByTime(40_000);
  await beats.beat();
  vi.advanceTimersByTime(50_000);
  beats.giveUpSilent();
  expect(lost).toEqual([]);

  vi.advanceTimersByTime(1);
  beats.giveUpSilent();

  expect(lost).toEqual([claim]);
});

it("counts the silence of a claim from before it was told of it", () => {
  const { beats, lost } = setUp();
  beats.hold(claim, 49_000);

  vi.advanceTimersByTime(1_001);
  beats.giveUpSilent();

  expect(lost).toEqual([claim]);
});

it("asks the database for nothing while there is nothing to beat for", async () => {
  const { beats, sent } = setUp();

  await expect(beats.beat()).resolves.toBeUndefined();

  expect(sent).toEqual([]);
});

it("says that beats do not land once a claim would be given up for it, and asks on without one until one lands", async () => {
  const scene = setUp();
  const { beats, sent } = scene;
  const works = scene.answer;
  beats.hold(claim, 0);
  scene.answer = fail;
  await expect(beats.beat()).rejects.toThrow("nobody answers");
  beats.release(claim);
  vi.advanceTimersByTime(50_000);
  expect(beats.doLand).toBe(true);
  vi.advanceTimersByTime(1);
  expect(beats.doLand).toBe(false);
  await expect(beats.beat()).rejects.toThrow("nobody answers");
  expect(beats.doLand).toBe(false);

  scene.answer = works;
  await beats.beat();

  expect(beats.doLand).toBe(true);
  expect(sent.at(-1)).toEqual([]);
});

it("gives up 10 s before the lease ends, of a short one in its middle", () => {
  expect([giveUpAfterMs(60_000), giveUpAfterMs(20_000), giveUpAfterMs(8_000)]).toEqual([
    50_000, 10_000, 4_000,
  ]);
});
