import { MillraceError } from "@millrace/kernel";
import type { AnswerStore, CallLedger, CallLimiter, CallRecord, StoredAnswer } from "../src/ports.ts";

/** A ledger that remembers, with a budget if one is given. */
export function memoryLedger(budget = Infinity) {
  const calls: CallRecord[] = [];
  const reserved: Array<number | null> = [];
  const settled: Array<number | null> = [];
  const ledger: CallLedger = {
    reserve: async ({ cost }) => {
      const spent = settled.reduce<number>((sum, each) => sum + (each ?? 0), 0);
      if (spent + (cost ?? 0) > budget) {
        throw new MillraceError({ code: "budget_exceeded", kind: "limited", message: "Nothing is left." });
      }
      reserved.push(cost);
      return { settle: async (spentNow) => void settled.push(spentNow) };
    },
    record: (call) => void calls.push(call),
  };
  return { ledger, calls, reserved, settled };
}

/** A limiter that says what the test wants it to say. */
export function memoryLimiter(waits: number[] = []) {
  const taken: number[] = [];
  const settled: Array<number | null> = [];
  const held: number[] = [];
  const limiter: CallLimiter = {
    take: async ({ tokens }) => {
      const waitMs = waits.shift();
      if (waitMs !== undefined) return { waitMs };
      taken.push(tokens);
      return { settle: (used) => void settled.push(used) };
    },
    holdBack: (_model, waitMs) => void held.push(waitMs),
  };
  return { limiter, taken, settled, held };
}

/** Stored answers of one process, by owner and key, with single flight. */
export function memoryAnswers() {
  const stored = new Map<string, StoredAnswer>();
  const inFlight = new Map<string, Promise<StoredAnswer>>();
  const answers: AnswerStore = {
    replace: async ({ key, owner }, answer) => void stored.set(JSON.stringify([owner, key]), answer),
    once: async ({ key, owner }, make) => {
      const place = JSON.stringify([owner, key]);
      const known = stored.get(place);
      if (known !== undefined) return { answer: known, from: "cached" };
      const flying = inFlight.get(place);
      if (flying !== undefined) return { answer: await flying, from: "shared" };
      const making = make();
      inFlight.set(place, making);
      try {
        const answer = await making;
        stored.set(place, answer);
        return { answer, from: "made" };
      } finally {
        inFlight.delete(place);
      }
    },
  };
  return { answers, stored };
}
