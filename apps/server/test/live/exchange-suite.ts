import { newId, sleep } from "@millrace/kernel";
import { defineTask } from "@millrace/queue";
import type { ChangeNotice } from "@millrace/queue";
import { waitFor } from "@millrace/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { append, ExchangeScene, follow } from "./exchange-scene.ts";

const upTo = (last: number): number[] => Array.from({ length: last }, (_value, nth) => nth + 1);
const shortTask = defineTask({ name: "tests.short", queue: "tests", input: z.null(), output: z.null() });

export function exchangeSuite(kind: "postgres" | "redis"): void {
  describe(`processes that tell each other over ${kind}`, () => {
    let scene: ExchangeScene;
    let leaving: AbortController;
    let stream: string;

    beforeEach(async () => {
      scene = await ExchangeScene.open(kind);
      leaving = new AbortController();
      stream = `document:${newId()}`;
    });
    afterEach(async () => {
      leaving.abort();
      await scene.close();
    });

    it("show in one what another commits, as it commits it", async () => {
      const worker = await scene.start();
      const api = await scene.startWatching();
      const seen = follow(api, stream, leaving.signal);

      for (const last of upTo(20)) {
        await append(worker, stream);
        await expect.poll(() => seen).toEqual(upTo(last));
      }
    });

    it("read what is new once for all who watch it, and nothing that nobody watches", async () => {
      const worker = await scene.start();
      const api = await scene.startWatching();
      const seen = Array.from({ length: 50 }, () => follow(api, stream, leaving.signal));
      await append(worker, stream);
      await expect.poll(() => seen).toEqual(seen.map(() => [1]));
      const before = api.hub.figures().reads;

      for (let nth = 0; nth < 20; nth++) await append(worker, `document:${newId()}`, 5);
      await append(worker, stream);
      await expect.poll(() => seen).toEqual(seen.map(() => [1, 2]));

      expect(api.hub.figures().reads - before).toBe(1);
    });

    it("lose nothing, double nothing and keep the order over a relay that is cut again and again", async () => {
      const worker = await scene.start();
      const api = await scene.startWatching();
      const seen = follow(api, stream, leaving.signal);

      for (let cut = 0; cut < 8; cut++) {
        await append(worker, stream, 3);
        scene.proxy.refuse();
        await append(worker, stream, 2);
        await sleep(30);
        scene.proxy.restore();
        await append(worker, stream, 5);
        await sleep(cut * 30);
      }

      await expect.poll(() => seen.length).toBeGreaterThanOrEqual(80);
      expect(seen).toEqual(upTo(80));
    });

    it("see what was committed while nothing came through, though nothing happens any more", async () => {
      const worker = await scene.start();
      const api = await scene.startWatching();
      const seen = follow(api, stream, leaving.signal);
      await append(worker, stream);
      await expect.poll(() => seen).toEqual([1]);

      scene.proxy.refuse();
      await waitFor(() => api.exchange.status().trouble, { describe: "the trouble" });
      await append(worker, stream);
      await sleep(100);
      const meanwhile = [...seen];
      scene.proxy.restore();

      await expect.poll(() => seen).toEqual([1, 2]);
      expect(meanwhile).toEqual([1]);
      await scene.untilHearing(api.exchange);
    });

    it("tell notices, each to all others", async () => {
      const [one, two] = [await scene.startWatching(), await scene.startWatching()];
      const heard: ChangeNotice[][] = [[], []];
      [one, two].forEach(({ hub }, nth) => hub.onNotice((notice) => heard[nth]?.push(notice)));
      const notice = {
        topic: "monitor",
        owner: null,
        type: "queue.paused",
        data: { queue: "chat" },
      } as const;

      one.queue.bus.publishNotice(notice);
      await expect.poll(() => heard[1]).toContainEqual(notice);
      two.queue.bus.publishNotice({ ...notice, type: "queue.resumed" });
      await expect.poll(() => heard[0]).toContainEqual({ ...notice, type: "queue.resumed" });

      // Once here at once, and not a second time as news.
      expect(heard[0]?.filter(({ type }) => type === "queue.paused")).toEqual([notice]);
    });

    it("tell in one how a job ended in another", async () => {
      const worker = await scene.start();
      const api = await scene.startWatching();
      const { id } = await worker.queue.add(shortTask, null);
      const told: ChangeNotice[] = [];
      api.hub.onNotice((notice) => told.push(notice));

      await worker.queue.transaction((scope) => worker.queue.cancel(scope, id));

      const data = { job_id: id, state: "cancelled" };
      await expect.poll(() => told).toContainEqual({ topic: "jobs", owner: null, type: "job.changed", data });
    });

    it("say in few words that thousands of jobs came, and show the one that somebody watches", async () => {
      const worker = await scene.start();
      const api = await scene.startWatching();
      const watched = await worker.queue.add(shortTask, null);
      const seen = follow(api, `job:${watched.id}`, leaving.signal);
      await expect.poll(() => seen).toEqual([1]);
      const moved: { readonly heads: number; readonly crowded: readonly string[] }[] = [];
      api.queue.bus.onMoved(({ heads, crowded }) => moved.push({ heads: heads.length, crowded }));
      const notices: ChangeNotice[] = [];
      api.hub.onNotice((notice) => notices.push(notice));

      for (let batch = 0; batch < 10; batch++) {
        await worker.queue.addMany(upTo(500).map(() => ({ task: shortTask, input: null })));
      }
      await worker.queue.transaction((scope) => worker.queue.cancel(scope, watched.id));
      await expect.poll(() => seen).toEqual([1, 2]);

      expect(moved.flatMap(({ crowded }) => crowded)).toContain("job");
      expect(moved.reduce((sum, { heads }) => sum + heads, 0)).toBeLessThan(500);
      expect(notices.length).toBeLessThan(1500);
    });
  });
}
