import { z } from "zod";
import { chord, defineTask, map, step } from "../../src/index.ts";

export const member = defineTask({
  name: "tests.chord_member",
  queue: "tests",
  input: z.number(),
  output: z.number(),
});
export const body = defineTask({
  name: "tests.chord_body",
  queue: "tests",
  input: z.array(z.number()),
  output: z.object({ count: z.number(), sum: z.number() }),
});

/** Joins what so many members give, each its number. */
export function chordOf(members: number) {
  return chord(
    map(
      member,
      Array.from({ length: members }, (_none, nth) => nth),
    ),
    step(body),
  );
}
