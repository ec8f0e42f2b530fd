import { expect, it } from "vitest";
import type { ClaimPlace } from "../jobs/claim.ts";
import { QueuePlaces } from "./queue-places.ts";

const first: ClaimPlace = { best: { id: "1" }, oldest: null };
const second: ClaimPlace = { best: { id: "2" }, oldest: null };

function create() {
  const clock = { ms: 1_000 };
  return { clock, places: new QueuePlaces(() => clock.ms) };
}

it("goes on where the last claim of the queue ended, from the head again after 200 ms", () => {
  const { clock, places } = create();
  expect(places.next("a")).toBeUndefined();

  places.reached("a", first);
  clock.ms += 100;
  expect(places.next("b")).toBeUndefined();
  expect(places.next("a")).toBe(first);
  places.reached("a", second);
  clock.ms += 99;
  expect(places.next("a")).toBe(second);
  places.reached("a", first);
  clock.ms += 1;
  expect(places.next("a")).toBeUndefined();
});

it("begins at the head after a claim that found nothing or failed, and at the same place beside another", () => {
  const { places } = create();
  places.next("a");
  places.reached("a", first);
  places.next("a");
  places.reached("a", undefined);
  expect(places.next("a")).toBeUndefined();

  places.reached("a", second);
  expect(places.next("a")).toBe(second);
  // That one has not ended.
  expect(places.next("a")).toBe(second);
});
