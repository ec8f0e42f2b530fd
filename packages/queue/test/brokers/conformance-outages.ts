import { expect, it } from "vitest";
import { bareHint } from "../../src/brokers/hint.ts";
import { listen, queueName, quiet } from "./broker-scene.ts";
import type { BrokerKind, BrokerScene } from "./broker-scene.ts";

/** What a broker promises that can be away. */
export function describeOutages(kind: BrokerKind, scene: () => BrokerScene): void {
  it("tells what was announced while it was away", async () => {
    const queue = queueName();
    const hearer = await scene().openProcess();
    const { heard } = await listen(kind, hearer, [queue]);
    const caller = await scene().openProcess();
    for (const { network } of [hearer, caller]) network?.refuse();
    await expect.poll(() => hearer.broker.status().isHearing).toBe(false);

    caller.broker.announce(bareHint(queue));
    for (const { network } of [hearer, caller]) network?.restore();

    await expect.poll(() => heard).toContain(queue);
  });

  it("wakes subscribers for all queues when it is there again", async () => {
    const queues = [queueName(), queueName()];
    const process = await scene().openProcess();
    const { heard } = await listen(kind, process, queues);
    process.network?.refuse();
    await expect.poll(() => process.broker.status().isHearing).toBe(false);

    process.network?.restore();

    await expect.poll(() => queues.every((queue) => heard.includes(queue))).toBe(true);
    expect(process.broker.status().isHearing).toBe(true);
  });

  it("hears again after it was away", async () => {
    const queue = queueName();
    const process = await scene().openProcess();
    const { heard } = await listen(kind, process, [queue]);
    process.network?.refuse();
    await expect.poll(() => process.broker.status().isHearing).toBe(false);
    process.network?.restore();
    await expect.poll(() => process.broker.status().isHearing).toBe(true);
    await expect.poll(() => heard).toContain(queue);
    await quiet();
    heard.length = 0;
    const { broker } = await scene().openProcess();

    broker.announce(bareHint(queue));

    await expect.poll(() => heard).toEqual([queue]);
  });

  it("notices a network that swallows everything, and hears when it no longer does", async () => {
    const queue = queueName();
    const process = await scene().openProcess();
    const { heard } = await listen(kind, process, [queue]);

    process.network?.set({ kind: "black_hole" });
    await expect.poll(() => process.broker.status().isHearing).toBe(false);
    process.network?.restore();

    await expect.poll(() => heard).toContain(queue);
    await expect.poll(() => process.broker.status().isHearing).toBe(true);
  });

  it("takes any number of hints while it is away, without a throw", async () => {
    const queue = queueName();
    const process = await scene().openProcess();
    const { heard } = await listen(kind, process, [queue]);
    process.network?.refuse();
    await expect.poll(() => process.broker.status().isHearing).toBe(false);
    heard.length = 0;

    for (let nth = 0; nth < 1_000; nth++) process.broker.announce(bareHint(queue));

    // The process does not need the broker to tell itself.
    await expect.poll(() => heard).toContain(queue);
  });

  it("starts, says that it is degraded and stops while it is away", async () => {
    const process = await scene().openProcess();
    process.network?.refuse();
    process.broker.subscribe([queueName()], () => undefined);
    process.broker.announce(bareHint(queueName()));

    await expect.poll(() => process.broker.status()).toMatchObject({ isHearing: false });
    await expect.poll(() => process.broker.status().trouble).toMatch(/^[A-Z].*(poll).*\.$/s);

    await expect(process.stop()).resolves.toBeUndefined();
  });

  it("stops in a bounded time while a network swallows everything", async () => {
    const process = await scene().openProcess();
    await listen(kind, process, [queueName()]);
    process.network?.set({ kind: "black_hole" });
    process.broker.announce(bareHint(queueName()));

    await expect(process.stop()).resolves.toBeUndefined();
  });
}
