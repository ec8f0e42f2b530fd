import type { CallLimiter, Taken } from "@millrace/models";
import { newId } from "@millrace/kernel";
import { waitFor } from "@millrace/testing";
import { sql } from "kysely";
import { expect, it } from "vitest";
import { openUsage, portsOf } from "./scene.ts";
import type { Ground } from "./scene.ts";

type Answer = Taken | { readonly waitMs: number };
const isTaken = (answer: Answer): answer is Taken => "settle" in answer;
const waitOf = (answer: Answer): number => ("waitMs" in answer ? answer.waitMs : 0);

export function limitSuite(ground: () => Ground): void {
  const limiterOf = async (limits: string): Promise<CallLimiter> =>
    portsOf(await openUsage(ground(), { MODEL_LIMITS: limits })).limiter;

  /** Lets so much time pass for a model: everything that it remembers is so much older. */
  const pass = async (model: string, seconds: number): Promise<void> => {
    const by = sql`${seconds}::double precision * interval '1 second'`;
    const { queryable } = ground().database;
    await sql`UPDATE model_limit SET refilled_at = refilled_at - ${by}, held_until = held_until - ${by} WHERE model = ${model}`.execute(
      queryable,
    );
    await sql`
      UPDATE model_limit_owner SET refilled_at = refilled_at - ${by}, waiting_until = waiting_until - ${by},
        promised_until = promised_until - ${by} WHERE model = ${model}`.execute(queryable);
  };

  it("lets one of 200 calls at once through where one a minute may come, over all processes", async () => {
    const model = `a:${newId()}`;
    const limiters = [await limiterOf(`${model}=1rpm`), await limiterOf(`${model}=1rpm`)];

    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, nth) => limiters[nth % 2]!.take({ model, owner: newId(), tokens: 5 })),
    );

    expect(answers.filter(isTaken)).toHaveLength(1);
    const waits = answers.filter((answer) => !isTaken(answer)).map(waitOf);
    expect(Math.min(...waits)).toBeGreaterThan(1_000);
    expect(Math.max(...waits)).toBeLessThan(200 * 60_000 * 1.2);
  });

  it("keeps to its requests a minute, and gives nearly all of them", async () => {
    const model = `a:${newId()}`;
    const limiter = await limiterOf(`${model}=60rpm`);
    const startedMs = performance.now();
    let taken = 0;
    for (let step = 0; step < 30; step++) {
      for (;;) {
        if (!isTaken(await limiter.take({ model, owner: "o", tokens: 1 }))) break;
        taken += 1;
      }
      await pass(model, 2);
    }

    const minutes = 1 + (performance.now() - startedMs) / 60_000;
    expect(taken).toBeLessThanOrEqual(60 * minutes * 1.2);
    expect(taken).toBeGreaterThanOrEqual(60 * 0.9);
  });

  it("lets a call that is larger than the bucket through when that is full, and makes the next ones wait for it", async () => {
    const model = `a:${newId()}`;
    const limiter = await limiterOf(`${model}=600tpm`);
    const take = () => limiter.take({ model, owner: "o", tokens: 300 });

    expect(isTaken(await take())).toBe(true);
    // 240 are owed, and 60 more fill the bucket: half a minute.
    expect(waitOf(await take())).toBeGreaterThan(20_000);
    await pass(model, 31);

    expect(isTaken(await take())).toBe(true);
  });

  it("gives tokens back that a call did not use", async () => {
    const model = `a:${newId()}`;
    const limiter = await limiterOf(`${model}=1000tpm`);
    const first = await limiter.take({ model, owner: "o", tokens: 400 });
    // By itself that would take some 24 seconds.
    expect(waitOf(await limiter.take({ model, owner: "o", tokens: 100 }))).toBeGreaterThan(15_000);

    if (isTaken(first)) first.settle(0);

    await waitFor(async () => isTaken(await limiter.take({ model, owner: "o", tokens: 100 })), {
      describe: "the tokens to be back",
    });
  });

  it("answers each of those who ask together for itself", async () => {
    const model = `a:${newId()}`;
    const limiter = await limiterOf(`${model}=600tpm`);

    const answers = await Promise.all(
      [50, 40, 10, 55].map((tokens, nth) => limiter.take({ model, owner: `o-${nth}`, tokens })),
    );

    expect(answers.map(isTaken)).toEqual([true, false, true, false]);
  });

  it("gives back what each of many calls did not use", async () => {
    const model = `a:${newId()}`;
    const limiter = await limiterOf(`${model}=600tpm`);
    const taken = await Promise.all(
      Array.from({ length: 6 }, (_, nth) => limiter.take({ model, owner: `o-${nth % 2}`, tokens: 9 })),
    );
    expect(taken.every(isTaken)).toBe(true);

    for (const answer of taken) if (isTaken(answer)) answer.settle(0);

    // By itself that would take five seconds.
    const again = () => limiter.take({ model, owner: "o-0", tokens: 55 });
    await waitFor(async () => isTaken(await again()), {
      describe: "all tokens to be back",
      timeoutMs: 2_000,
    });
  });

  it("gives an owner with few calls its share beside one with thousands", async () => {
    const model = `a:${newId()}`;
    const limiter = await limiterOf(`${model}=60rpm`);
    const taken = { many: 0, few: 0 };
    for (let second = 0; second < 40; second++) {
      for (let nth = 0; nth < 4; nth++) {
        if (isTaken(await limiter.take({ model, owner: "many", tokens: 1 }))) taken.many += 1;
      }
      // Asks as often as one job of which the others would leave nothing.
      if (isTaken(await limiter.take({ model, owner: "few", tokens: 1 }))) taken.few += 1;
      await pass(model, 1);
    }

    expect(taken.few).toBeGreaterThanOrEqual(13);
    expect(taken.many).toBeGreaterThanOrEqual(13);
  });

  it("leaves all to the others when an owner waits no more", async () => {
    const model = `a:${newId()}`;
    const limiter = await limiterOf(`${model}=60rpm`);
    for (let nth = 0; nth < 10; nth++) await limiter.take({ model, owner: "gone", tokens: 1 });
    await pass(model, 90);

    const answers = [];
    for (let nth = 0; nth < 6; nth++) answers.push(await limiter.take({ model, owner: "here", tokens: 1 }));

    expect(answers.filter(isTaken)).toHaveLength(6);
  });

  it("tells those who wait different times, and no more than about a minute for the line", async () => {
    const model = `a:${newId()}`;
    const limiter = await limiterOf(`${model}=60rpm`);
    const waits: number[] = [];
    for (let nth = 0; nth < 200; nth++) {
      waits.push(waitOf(await limiter.take({ model, owner: "o", tokens: 1 })));
    }

    const told = waits.filter((wait) => wait > 0);
    expect(told.at(10)! - told.at(0)!).toBeGreaterThan(5_000);
    expect(Math.max(...told)).toBeLessThan(67_000);
  });

  it("gives nothing for a clock that was put back, and goes on from there", async () => {
    const model = `a:${newId()}`;
    const limiter = await limiterOf(`${model}=6rpm`);
    const take = () => limiter.take({ model, owner: "o", tokens: 1 });
    expect(isTaken(await take())).toBe(true);

    await pass(model, -3_600);
    expect(waitOf(await take())).toBeLessThan(12_000);
    await pass(model, 61);

    expect(isTaken(await take())).toBe(true);
  });

  it.each(["=60rpm", "-other=60rpm"])(
    "holds a model back for all processes (limits: model%s)",
    async (limits) => {
      const model = `a:${newId()}`;
      const [here, there] = [await limiterOf(model + limits), await limiterOf(model + limits)];

      here.holdBack(model, 30_000);
      here.holdBack(model, 10_000);

      expect(waitOf(await here.take({ model, owner: "o", tokens: 1 }))).toBeGreaterThan(20_000);
      await waitFor(async () => waitOf(await there.take({ model, owner: "p", tokens: 1 })) > 20_000, {
        describe: "the other process to know",
      });
      const later = await limiterOf(model + limits);
      await pass(model, 31);
      expect(isTaken(await later.take({ model, owner: "p", tokens: 1 }))).toBe(true);
    },
  );

  it("holds back for an hour at most, whatever a server says", async () => {
    const model = `a:${newId()}`;
    const limiter = await limiterOf("other=1rpm");

    limiter.holdBack(model, 1e12);
    limiter.holdBack(model, Number.NaN);

    expect(waitOf(await limiter.take({ model, owner: "o", tokens: 1 }))).toBeLessThan(3_600_000 * 1.11);
  });
}
