import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { calculate } from "./calculate.ts";

describe("calculate", () => {
  it.each([
    ["1 + 2 * 3", 7],
    ["(1 + 2) * 3", 9],
    ["-2 ^ 2", -4],
    ["2 ^ -1", 0.5],
    ["2 ** 3 ^ 2", 512],
    ["7 - 2 - 1", 4],
    ["10 / 4 / 5", 0.5],
    ["7 % 4", 3],
    ["1.5e3 + .5", 1500.5],
    ["round(2.345, 2)", 2.35],
    ["max(1, min(5, 3), 2) + sqrt(16)", 7],
    ["2 × 3 ÷ 4", 1.5],
    ["avg(1, 2, 3) + sum(1, 2)", 5],
    ["LOG(1000) + ln(e)", 4],
  ])("%s is %d", (expression, expected) => {
    const result = calculate(expression);

    expect(result.ok ? result.value : result.problem).toBeCloseTo(expected, 10);
  });

  it.each([
    "",
    "1 +",
    "(1",
    "1)",
    "1 / 0",
    "1 2",
    "sqrt(-1)",
    "9 ^ 999",
    "process.exit()",
    "constructor(1)",
    "__proto__",
    "a = 1",
    "1; 2",
    "(".repeat(60) + "1" + ")".repeat(60),
    "2^".repeat(60) + "1",
    "1+".repeat(600) + "1",
  ])("gives a reason for %j", (expression) => {
    expect(calculate(expression)).toMatchObject({ ok: false });
  });

  it("agrees with JavaScript on sums of products", () => {
    const number = fc.integer({ min: 0, max: 1000 });
    fc.assert(
      fc.property(number, number, number, number, (a, b, c, d) => {
        const result = calculate(`${a} * ${b} - (${c} + ${d}) * 2`);
        expect(result).toEqual({ ok: true, value: a * b - (c + d) * 2 });
      }),
    );
  });
});
