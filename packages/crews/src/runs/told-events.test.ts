import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ToldEvents } from "./told-events.ts";
import type { ToldEvent } from "./told-events.ts";

const began = { type: "crew.turn_started", data: { step: "s" } } as const;

const piece = (text: string, options: { step?: string; reset?: boolean } = {}) => ({
  task: "a",
  agent: "Writer",
  step: options.step ?? "s",
  text,
  reset: options.reset ?? false,
});
const textsOf = (events: readonly ToldEvent[]) =>
  events.flatMap(({ type, data }) =>
    type === "crew.text_written" ? [`${data.reset ? "!" : ""}${data.text}`] : [],
  );

/** Transactions that each write one batch; those of `failing` roll back. */
function open(failing: readonly number[] = []) {
  const written: (readonly ToldEvent[])[] = [];
  let tries = 0;
  const told: ToldEvents = new ToldEvents(async () => {
    const taken = [...told.take()];
    tries += 1;
    if (failing.includes(tries)) throw new Error("the database is away");
    written.push(taken);
    told.told();
  });
  return { told, written };
}

describe("ToldEvents", () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it("tells what comes within a tenth of a second together, text of a step as one", async () => {
    const { told, written } = open();
    told.emit(began);
    for (const text of ["The ", "sea ", "rises."]) told.text(piece(text));

    await vi.advanceTimersByTimeAsync(100);

    expect(written).toEqual([
      [began, { type: "crew.text_written", data: piece("The sea rises.", { reset: true }) }],
    ]);
  });

  it("tells at most ten texts a second, however many steps write at once", async () => {
    const { told, written } = open();
    for (let time = 0; time < 3000; time += 10) {
      for (const step of ["a", "b", "c"]) told.text(piece("x", { step }));
      await vi.advanceTimersByTimeAsync(10);
    }

    const texts = written.flatMap(textsOf);

    expect(texts.length).toBeGreaterThan(15);
    expect(texts.length).toBeLessThanOrEqual(33);
  });

  it("begins the text of a step anew in each attempt, and where the model does", async () => {
    const first = open();
    first.told.text(piece("The s"));
    await first.told.close();
    const second = open();
    second.told.text(piece("The "));
    second.told.text(piece("sea"));
    await vi.advanceTimersByTimeAsync(100);
    second.told.text(piece("A lake", { reset: true }));
    await second.told.close();

    expect(first.written.flatMap(textsOf)).toEqual(["!The s"]);
    expect(second.written.flatMap(textsOf)).toEqual(["!The sea", "!A lake"]);
  });

  it("tells again what a transaction that rolled back had taken, with what came meanwhile", async () => {
    const { told, written } = open([1]);
    told.emit(began);
    told.text(piece("The "));
    await vi.advanceTimersByTimeAsync(100);
    told.text(piece("sea"));

    await told.close();

    expect(written).toHaveLength(1);
    expect(written[0]?.map(({ type }) => type)).toEqual(["crew.turn_started", "crew.text_written"]);
    expect(written.flatMap(textsOf)).toEqual(["!The sea"]);
  });

  it("tells nothing when there is nothing to tell", async () => {
    const { told, written } = open();

    await told.close();

    expect(written).toEqual([]);
  });
});
