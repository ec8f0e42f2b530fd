import { expect, it } from "vitest";
import { bareHint } from "../../src/brokers/hint.ts";
import { listen, queueName, quiet } from "./broker-scene.ts";
import type { BrokerKind, BrokerScene, Listener } from "./broker-scene.ts";

/** What a broker promises that gives each hint to one subscriber only and keeps it until it is settled. */
export function describeCompetition(kind: BrokerKind, scene: () => BrokerScene): void {
  const listenAnew = async (queue: string): Promise<Listener> =>
    await listen(kind, await scene().openProcess(), [queue]);

  it("gives a hint to one of several subscribers", async () => {
    const queue = queueName();
    const listeners = [await listenAnew(queue), await listenAnew(queue), await listenAnew(queue)];
    const { broker } = await scene().openProcess();

    broker.announce(bareHint(queue));

    await expect.poll(() => listeners.flatMap(({ heard }) => heard)).toEqual([queue]);
    await quiet();
    expect(listeners.flatMap(({ heard }) => heard)).toEqual([queue]);
  });

  it("keeps a hint until somebody subscribes", async () => {
    const queue = queueName();
    const { broker } = await scene().openProcess();
    broker.announce(bareHint(queue));
    await expect.poll(() => broker.depth(queue)).toBe(1);

    const { heard, subscription } = await listenAnew(queue);
    await expect
      .poll(() => {
        // It may have heard before we began to listen.
        subscription.settle(queue, false);
        return broker.depth(queue);
      })
      .toBe(0);

    expect(heard.length).toBeLessThanOrEqual(1);
  });

  it("gives a hint to another when its first subscriber closes without a claim", async () => {
    const queue = queueName();
    const first = await listenAnew(queue);
    const { broker } = await scene().openProcess();
    broker.announce(bareHint(queue));
    await expect.poll(() => first.heard).toEqual([queue]);
    const second = await listenAnew(queue);

    first.subscription.close();

    await expect.poll(() => second.heard).toEqual([queue]);
  });

  it("gives a hint to another when the process of its first subscriber stops without a claim", async () => {
    const queue = queueName();
    const process = await scene().openProcess();
    const first = await listen(kind, process, [queue]);
    const { broker } = await scene().openProcess();
    broker.announce(bareHint(queue));
    await expect.poll(() => first.heard).toEqual([queue]);
    const second = await listenAnew(queue);

    await process.stop();

    await expect.poll(() => second.heard).toEqual([queue]);
  });

  it("gives a hint to another when its first subscriber vanishes", async () => {
    const queue = queueName();
    const process = await scene().openProcess();
    const first = await listen(kind, process, [queue]);
    const { broker } = await scene().openProcess();
    broker.announce(bareHint(queue));
    await expect.poll(() => first.heard).toEqual([queue]);
    const second = await listenAnew(queue);

    process.network?.refuse();

    await expect.poll(() => second.heard).toEqual([queue]);
  });

  it("is done with a hint after a claim that found no more", async () => {
    const queue = queueName();
    const first = await listenAnew(queue);
    const second = await listenAnew(queue);
    second.subscription.receive(false);
    const { broker } = await scene().openProcess();
    broker.announce(bareHint(queue));
    await expect.poll(() => first.heard).toEqual([queue]);

    first.subscription.settle(queue, false);

    await expect.poll(() => broker.depth(queue)).toBe(0);
    first.subscription.close();
    second.subscription.receive(true);
    await quiet();
    expect(second.heard).toEqual([]);
  });

  it("passes on as one the hints held by a subscriber who could not take all jobs", async () => {
    const queue = queueName();
    const first = await listenAnew(queue);
    const { broker } = await scene().openProcess();
    for (let nth = 1; nth <= 3; nth++) {
      broker.announce(bareHint(queue));
      await expect.poll(() => first.heard).toHaveLength(nth);
    }
    const second = await listenAnew(queue);

    first.subscription.settle(queue, true);
    first.subscription.receive(false);

    await expect.poll(() => second.heard).toEqual([queue]);
    second.subscription.settle(queue, false);
    await expect.poll(() => broker.depth(queue)).toBe(0);
    expect(second.heard).toEqual([queue]);
    expect(first.heard).toHaveLength(3);
  });

  it("settles nothing of other queues", async () => {
    const [mine, other] = [queueName(), queueName()];
    const { broker } = await scene().openProcess();
    const { heard, subscription } = await listen(kind, await scene().openProcess(), [mine, other]);
    broker.announce(bareHint(mine));
    broker.announce(bareHint(other));
    await expect.poll(() => heard.toSorted()).toEqual([mine, other].toSorted());

    subscription.settle(mine, false);
    subscription.close();
    const later = await listen(kind, await scene().openProcess(), [other]);

    await expect.poll(() => broker.depth(mine)).toBe(0);
    later.subscription.receive(false);
    later.subscription.close();
    await expect.poll(() => broker.depth(other)).toBe(1);
  });

  it("gives hints to others than a subscriber without room", async () => {
    const queue = queueName();
    const full = await listenAnew(queue);
    full.subscription.receive(false);
    const free = await listenAnew(queue);
    const { broker } = await scene().openProcess();

    for (let nth = 1; nth <= 5; nth++) {
      broker.announce(bareHint(queue));
      await expect.poll(() => free.heard).toHaveLength(nth);
    }

    expect(full.heard).toEqual([]);
  });

  it("keeps hints while nobody has room, and gives them to the first who has", async () => {
    const queue = queueName();
    const listeners = [await listenAnew(queue), await listenAnew(queue)];
    for (const { subscription } of listeners) subscription.receive(false);
    const { broker } = await scene().openProcess();
    broker.announce(bareHint(queue));
    await quiet();
    expect(listeners.flatMap(({ heard }) => heard)).toEqual([]);

    listeners[1]?.subscription.receive(true);

    await expect.poll(() => listeners[1]?.heard).toEqual([queue]);
    expect(listeners[0]?.heard).toEqual([]);
  });

  it("makes few messages of a burst", async () => {
    const queue = queueName();
    const { broker } = await scene().openProcess();

    for (let nth = 0; nth < 10_000; nth++) broker.announce(bareHint(queue));

    await expect.poll(() => broker.depth(queue)).toBeGreaterThan(0);
    await quiet();
    // The first goes at once, the others together behind it.
    expect(await broker.depth(queue)).toBeLessThanOrEqual(2);
  });

  it("throws away the hints that wait", async () => {
    const [queue, other] = [queueName(), queueName()];
    const { broker } = await scene().openProcess();
    broker.announce(bareHint(queue));
    broker.announce(bareHint(other));
    await expect.poll(() => broker.depth(queue)).toBe(1);
    await expect.poll(() => broker.depth(other)).toBe(1);

    expect(await broker.purge(queue)).toBe(1);

    expect(await broker.depth(queue)).toBe(0);
    expect(await broker.depth(other)).toBe(1);
  });

  it("counts and throws away nothing while it is away, and says so", async () => {
    const { broker, network } = await scene().openProcess();
    network?.refuse();
    await expect.poll(() => broker.status().isTelling).toBe(false);

    expect(await broker.depth(queueName())).toBeUndefined();
    await expect(broker.purge(queueName())).rejects.toMatchObject({ code: "broker_unavailable" });
  });

  it("survives what is no hint, and throws it away", async () => {
    const queue = queueName();
    const { heard, subscription } = await listenAnew(queue);
    const { broker } = await scene().openProcess();
    for (let nth = 0; nth < 5; nth++) await scene().sendGarbage?.(queue);

    broker.announce(bareHint(queue));

    await expect.poll(() => heard.length).toBeGreaterThan(0);
    await expect
      .poll(() => {
        subscription.settle(queue, false);
        return broker.depth(queue);
      })
      .toBe(0);
  });
}
