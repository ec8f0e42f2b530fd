import { describe, expect, it } from "vitest";
import { CircuitBreaker } from "./circuit-breaker.ts";

function breakerAt(start = 0) {
  let nowMs = start;
  const clock = { now: () => new Date(nowMs), monotonicMs: () => nowMs };
  const breaker = new CircuitBreaker(clock, () => 0);
  return { breaker, pass: (ms: number) => (nowMs += ms) };
}

function fail(breaker: CircuitBreaker, times: number): void {
  for (let count = 0; count < times; count += 1) breaker.failed();
}

describe("the circuit breaker", () => {
  it("opens after five failures in a row, and not before", () => {
    const { breaker } = breakerAt();
    fail(breaker, 4);
    breaker.succeeded(8);
    fail(breaker, 4);
    expect(breaker.waitMs()).toBe(0);

    breaker.failed();
    expect([breaker.state, breaker.waitMs()]).toEqual(["open", 10_000]);
  });

  it("lets one call find out after the rest, and keeps the others away meanwhile", () => {
    const { breaker, pass } = breakerAt();
    fail(breaker, 5);
    pass(10_000);
    expect(breaker.waitMs()).toBe(0);

    breaker.begin();
    expect([breaker.state, breaker.waitMs()]).toEqual(["half_open", 5_000]);
  });

  it("rests twice as long when that call fails, up to two minutes", () => {
    const { breaker, pass } = breakerAt();
    fail(breaker, 5);
    const rests = [20_000, 40_000, 80_000, 120_000, 120_000].map(() => {
      pass(breaker.waitMs());
      breaker.begin();
      breaker.failed();
      return breaker.waitMs();
    });

    expect(rests).toEqual([20_000, 40_000, 80_000, 120_000, 120_000]);
  });

  it("comes back slowly: one more call at a time with each that succeeds", () => {
    const { breaker, pass } = breakerAt();
    fail(breaker, 5);
    pass(10_000);
    breaker.begin();
    const places = [1, 2, 3].map(() => {
      breaker.succeeded(4);
      return [breaker.state, breaker.places(4)];
    });

    expect(places).toEqual([
      ["recovering", 2],
      ["recovering", 3],
      ["closed", 4],
    ]);
  });

  it("opens again with the first failure while it comes back", () => {
    const { breaker, pass } = breakerAt();
    fail(breaker, 5);
    pass(10_000);
    breaker.begin();
    breaker.succeeded(8);
    breaker.failed();

    expect([breaker.state, breaker.waitMs()]).toEqual(["open", 20_000]);
  });

  it("is not moved by calls that were on their way when it opened", () => {
    const { breaker, pass } = breakerAt();
    fail(breaker, 5);
    pass(4_000);
    fail(breaker, 3);

    expect(breaker.waitMs()).toBe(6_000);
  });

  it("lets another call find out when the first was given up", () => {
    const { breaker, pass } = breakerAt();
    fail(breaker, 5);
    pass(10_000);
    breaker.begin();
    breaker.abandoned();

    expect([breaker.state, breaker.waitMs()]).toEqual(["open", 0]);
  });

  it("lets half as many run after each refusal, and more again only when it is calm", () => {
    const { breaker, pass } = breakerAt();
    breaker.refused(8);
    breaker.refused(8);
    breaker.succeeded(8);
    expect([breaker.state, breaker.places(8)]).toEqual(["closed", 2]);

    pass(5_000);
    breaker.succeeded(8);
    breaker.succeeded(8);
    expect(breaker.places(8)).toBe(4);
  });

  it("takes a refusal as a sign of life", () => {
    const { breaker, pass } = breakerAt();
    fail(breaker, 5);
    pass(10_000);
    breaker.begin();
    breaker.refused(8);

    expect([breaker.state, breaker.waitMs(), breaker.places(8)]).toEqual(["recovering", 0, 1]);
  });
});
