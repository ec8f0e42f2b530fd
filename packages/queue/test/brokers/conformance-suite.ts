import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { bareHint } from "../../src/brokers/hint.ts";
import { listen, queueName, quiet } from "./broker-scene.ts";
import type { BrokerKind, BrokerScene, SceneOptions } from "./broker-scene.ts";
import { describeCompetition } from "./conformance-competing.ts";
import { describeJobs } from "./conformance-jobs.ts";
import { describeOutages } from "./conformance-outages.ts";

export type SuiteOptions = SceneOptions & {
  /** Only what hints are for, not how they go. Default false. */
  readonly isOnlyJobs?: boolean;
};

/** What every broker promises, to be run for each kind. */
export function describeBroker(kind: BrokerKind, options: SuiteOptions = {}): void {
  const { on, isSlow = false, isOnlyJobs = false } = options;
  const place = `${on === undefined ? "" : ` with jobs on ${on}`}${isSlow ? " over slow networks" : ""}`;
  describe(`the ${kind.kind} broker${place}`, () => {
    let scene: BrokerScene;
    beforeAll(async () => {
      scene = await kind.open(options);
    });
    afterEach(() => scene.clear());
    afterAll(() => scene.close());

    describeJobs(kind, () => scene);
    if (isOnlyJobs) return;
    describeHints(kind, () => scene);
    if (kind.isCompeting) describeCompetition(kind, () => scene);
    if (kind.isRemote) describeOutages(kind, () => scene);
  });
}

function describeHints(kind: BrokerKind, scene: () => BrokerScene): void {
  it("tells a subscriber what another process announces", async () => {
    const queue = queueName();
    const { heard } = await listen(kind, await scene().openProcess(), [queue]);
    const { broker } = await scene().openProcess();

    broker.announce({ queue, count: 3, jobIds: ["a", "b", "c"], task: "tests.run", priority: 5 });

    await expect.poll(() => heard).toEqual([queue]);
  });

  it("tells a subscriber what its own process announces, once", async () => {
    const queue = queueName();
    const process = await scene().openProcess();
    const { heard } = await listen(kind, process, [queue]);

    process.broker.announce(bareHint(queue));

    await expect.poll(() => heard).toEqual([queue]);
    await quiet();
    expect(heard).toEqual([queue]);
  });

  it("tells nobody of a queue that he does not subscribe to", async () => {
    const [mine, other] = [queueName(), queueName()];
    const { heard } = await listen(kind, await scene().openProcess(), [mine]);
    const { broker } = await scene().openProcess();

    broker.announce(bareHint(other));
    broker.announce(bareHint(mine));

    await expect.poll(() => heard).toEqual([mine]);
    await quiet();
    expect(heard).toEqual([mine]);
  });

  it("tells a subscriber of each of its queues", async () => {
    const queues = [queueName(), queueName(), queueName()];
    const { heard } = await listen(kind, await scene().openProcess(), queues);
    const { broker } = await scene().openProcess();

    for (const queue of queues) broker.announce(bareHint(queue));

    await expect.poll(() => heard.toSorted()).toEqual(queues.toSorted());
  });

  it("tells nothing to a subscription that is closed", async () => {
    const queue = queueName();
    const process = await scene().openProcess();
    const closed = await listen(kind, process, [queue]);
    const open = await listen(kind, await scene().openProcess(), [queue]);

    closed.subscription.close();
    closed.subscription.close();
    process.broker.announce(bareHint(queue));

    await expect.poll(() => open.heard).toEqual([queue]);
    expect(closed.heard).toEqual([]);
  });

  it("tells of every queue of a burst", async () => {
    const queues = [queueName(), queueName(), queueName()];
    const { heard } = await listen(kind, await scene().openProcess(), queues);
    const { broker } = await scene().openProcess();

    for (let nth = 0; nth < 10_000; nth++) broker.announce(bareHint(queues[nth % 3] ?? ""));

    await expect.poll(() => [...new Set(heard)].toSorted()).toEqual(queues.toSorted());
  });

  it("passes on before it stops what was announced", async () => {
    const queue = queueName();
    const { heard } = await listen(kind, await scene().openProcess(), [queue]);
    const caller = await scene().openProcess();

    caller.broker.announce(bareHint(queue));
    await caller.stop();

    await expect.poll(() => heard).toEqual([queue]);
  });

  it("says what it is and that all is well", async () => {
    const process = await scene().openProcess();
    await listen(kind, process, [queueName()]);

    await expect
      .poll(() => process.broker.status())
      .toEqual({ kind: kind.kind, isHearing: true, isTelling: true });
  });

  it("has nothing to count or throw away of a queue that nobody has used", async () => {
    const { broker } = await scene().openProcess();
    await expect.poll(() => broker.status().isTelling).toBe(true);

    expect((await broker.depth(queueName())) ?? 0).toBe(0);
    expect(await broker.purge(queueName())).toBe(0);
  });
}
