import { expect, it } from "vitest";
import { QueuePlaces } from "./queue-places.ts";

function create() {
  const clock = { ms: 1_000 };
  return { clock, places: new QueuePlaces(() => clock.ms) };
}

it("goes on where the last claim of the queue ended, from the head again after 200 ms", () => {
  const { clock, places } = create();
  expect(places.next("a")).toBeUndefined();

  places.reached("a", "1");
  clock.ms += 100;
  expect(places.next("b")).toBeUndefined();
  expect(places.next("a")).toBe("1");
  places.reached("a", "2");
  clock.ms += 99;
  expect(places.next("a")).toBe("2");
  places.reached("a", "3");
  clock.ms += 1;
  expect(places.next("a")).toBeUndefined();
});

it("begins at the head after a claim that found nothing, and after one that failed", () => {
  const { places } = create();
  places.next("a");
  places.reached("a", "1");
  places.next("a");
  places.reached("a", undefined);
  expect(places.next("a")).toBeUndefined();

  places.reached("a", "2");
  expect(places.next("a")).toBe("2");
  // It threw: nobody said where it ended.
  expect(places.next("a")).toBeUndefined();
});
