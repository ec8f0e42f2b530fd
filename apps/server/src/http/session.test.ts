import { describe, expect, it } from "vitest";
import { createSessions, sessionSeconds } from "./session.ts";

const token = "a-token-for-the-tests-0123";

function clockAt(start: number) {
  let nowMs = start;
  return {
    now: () => new Date(nowMs),
    monotonicMs: () => nowMs,
    advance: (ms: number) => {
      nowMs += ms;
    },
  };
}

describe("sessions", () => {
  it("are still good after a restart", () => {
    const clock = clockAt(1_800_000_000_000);
    const value = createSessions({ token, clock }).issue();

    expect(createSessions({ token, clock }).isValid(value)).toBe(true);
  });

  it("end when the token changes", () => {
    const clock = clockAt(1_800_000_000_000);
    const value = createSessions({ token, clock }).issue();

    expect(createSessions({ token: `${token}4`, clock }).isValid(value)).toBe(false);
  });

  it("end by themselves after a week", () => {
    const clock = clockAt(1_800_000_000_000);
    const sessions = createSessions({ token, clock });
    const value = sessions.issue();

    clock.advance(sessionSeconds * 1000 - 1000);
    expect(sessions.isValid(value)).toBe(true);
    clock.advance(1000);
    expect(sessions.isValid(value)).toBe(false);
  });

  it("end when signed out, alone", () => {
    const sessions = createSessions({ token, clock: clockAt(1_800_000_000_000) });
    const first = sessions.issue();
    const second = sessions.issue();

    const session = sessions.identify(first);
    sessions.end(session!);

    expect(sessions.isValid(first)).toBe(false);
    expect(sessions.isValid(second)).toBe(true);
  });

  it("can't be prolonged or made up", () => {
    const sessions = createSessions({ token, clock: clockAt(1_800_000_000_000) });
    const [version, endsAt, id, signature] = sessions.issue().split(".");

    expect(sessions.isValid(`${version}.${Number(endsAt) + 1}.${id}.${signature}`)).toBe(false);
    expect(sessions.isValid(`${version}.${endsAt}.${"A".repeat(22)}.${signature}`)).toBe(false);
    expect(sessions.isValid(`${version}.${endsAt}.${id}.${"A".repeat(43)}`)).toBe(false);
    expect(sessions.isValid(token)).toBe(false);
    expect(sessions.isValid("")).toBe(false);
  });

  it("don't contain the token", () => {
    const value = createSessions({ token, clock: clockAt(1_800_000_000_000) }).issue();

    expect(value).not.toContain(token);
    expect(value).toMatch(/^v1\.\d{10}\.[\w-]{22}\.[\w-]{43}$/);
  });
});
