import { describe, expectTypeOf, it } from "vitest";
import { chain, chord, chunks, defineTask, group, map, step } from "../../src/index.ts";
import type { Flow, MemberOutcome, Step, Workflows, WorkflowFailure } from "../../src/index.ts";
import { z } from "zod";
import { add, count, double, keep, sum } from "./tasks.ts";

const shout = defineTask({ name: "tests.shout", input: z.string(), output: z.string() });
const tell = defineTask({
  name: "tests.tell",
  input: z.object({ workflow_id: z.string(), error: z.object({ code: z.string(), message: z.string() }) }),
  output: z.null(),
});

describe("the compiler", () => {
  it("knows what a flow takes and gives", () => {
    expectTypeOf(step(double)).toEqualTypeOf<Step<number, number>>();
    expectTypeOf(step(double, 1)).toEqualTypeOf<Step<unknown, number>>();
    expectTypeOf(step(add, { x: 1 }, { into: "y" })).toEqualTypeOf<Step<number, number>>();
    expectTypeOf(chain(step(add, { x: 1, y: 2 }), step(count), map(double), step(sum))).toEqualTypeOf<
      Flow<unknown, number>
    >();
    expectTypeOf(group([step(double), step(keep)])).toEqualTypeOf<Flow<number, [number, unknown]>>();
    expectTypeOf(chunks(sum, [1, 2, 3], 2)).toEqualTypeOf<Flow<unknown, number[]>>();
    expectTypeOf(map(double, [1], { policy: "collect" })).toEqualTypeOf<
      Flow<unknown, MemberOutcome<number>[]>
    >();
    expectTypeOf<Parameters<typeof tell.input.parse>[0]>().not.toEqualTypeOf<WorkflowFailure>();
  });

  it("refuses parts that do not fit each other", () => {
    const write = () => {
      // @ts-expect-error -- a number is no text
      chain(step(double, 1), step(shout));
      // @ts-expect-error -- one number is no array of them
      chain(step(double, 1), map(double));
      // @ts-expect-error -- the outputs are numbers and texts
      chord([step(double, 1), step(shout, "a")], step(sum));
      // @ts-expect-error -- outcomes are no numbers
      chord([step(double, 1)], step(sum), { policy: "collect" });
      // @ts-expect-error -- one member takes a number, the other a text
      chain(step(double, 1), group([step(double), step(shout)]));
    };
    expectTypeOf(write).toBeFunction();
  });

  it("refuses inputs that do not fit their tasks", () => {
    const write = () => {
      // @ts-expect-error -- no number
      step(double, "1");
      // @ts-expect-error -- y is missing
      step(add, { x: 1 });
      // @ts-expect-error -- there is no such key
      step(add, { x: 1 }, { into: "z" });
      // @ts-expect-error -- texts
      map(double, ["a"]);
    };
    expectTypeOf(write).toBeFunction();
  });

  it("refuses callbacks that can't take what they are given, and parts with callbacks", () => {
    const write = () => {
      step(double, 1).onSuccess(step(double)).onFailure(step(tell));
      // @ts-expect-error -- the output is a number
      step(double, 1).onSuccess(step(shout));
      // @ts-expect-error -- a failure is no number
      step(double, 1).onFailure(step(double));
      // @ts-expect-error -- only the whole has callbacks
      chain(step(double, 1).onSuccess(step(double)));
    };
    expectTypeOf(write).toBeFunction();
  });

  it("refuses to start what needs something before it, and knows the result", () => {
    const start = (workflows: Workflows) => workflows.start(step(double, 1));
    expectTypeOf<Awaited<ReturnType<typeof start>>["output"]>().toEqualTypeOf<number | undefined>();
    // @ts-expect-error -- nothing gives it its input
    const startsTooSoon = (workflows: Workflows) => workflows.start(step(double));
    expectTypeOf(startsTooSoon).toBeFunction();
  });
});
