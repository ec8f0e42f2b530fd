import { mkdtemp, rm } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { acceptedDocumentSchema } from "@millrace/contracts";
import { sleep } from "@millrace/kernel";
import { waitFor } from "@millrace/testing";
import type { RunningMillrace } from "@millrace/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { startCommand } from "../cli/command.ts";
import { addJob, childrenOf, Fleet, isAlive, jobWhen, outputOf, readJob, workersWhen } from "./fleet.ts";
import { rolesProgram } from "./roles-program.ts";

/** Two API processes of their own. Each test brings the workers it needs. */
let fleet: Fleet;
let first: RunningMillrace;
let other: RunningMillrace;

beforeAll(async () => {
  fleet = await Fleet.open(rolesProgram);
  first = await fleet.start(["api"]);
  other = await fleet.start(["api"]);
});
afterAll(() => fleet.close());

describe("roles in processes of their own", { timeout: 180_000 }, () => {
  it("runs in a worker what one API process accepts, and another one shows the result", async () => {
    const before = await workersWhen(first, () => true);
    const settings = { WORKER_NAME: "other", WORKER_QUEUES: "documents", WORKER_CONCURRENCY: "1" };
    const worker = await fleet.start(["worker", "-Q", "chat,batch", "-c", "5", "-n", "w1@%h"], settings);
    const [seen] = await workersWhen(first, (workers) => workers.length === 1);

    const id = await addJob(first, "roles.answer");
    const output = await outputOf(other, id);
    await worker.stop();

    expect(before).toEqual([]);
    expect(seen).toMatchObject({
      name: `w1@${hostname()}`,
      queues: ["chat", "batch"],
      concurrency: 5,
      pid: worker.process.pid,
    });
    expect(output).toMatchObject({ pid: worker.process.pid });
  });

  it("gives a job a process of its own, as a child of the worker", async () => {
    const worker = await fleet.start(["worker", "-Q", "chat"]);

    const output = await outputOf(other, await addJob(first, "roles.isolated"));
    await worker.stop();

    expect(output).toMatchObject({ parent: worker.process.pid });
  });

  it("never lets chat wait behind batch where each has a worker", async () => {
    const batch = await fleet.start(["worker", "-Q", "batch", "-c", "2"]);
    const chat = await fleet.start(["worker", "-Q", "chat", "-c", "2"]);
    const held = await Promise.all(Array.from({ length: 6 }, () => addJob(first, "roles.hold")));
    await waitFor(async () => (await busySlots(first)) === 2, {
      describe: "a full worker",
    });

    const output = await outputOf(first, await addJob(first, "roles.answer"));
    const states = await Promise.all(held.map(async (id) => (await readJob(first, id)).state));
    await cancelAll(first, held);
    await Promise.all([batch.stop(), chat.stop()]);

    expect(output).toMatchObject({ pid: chat.process.pid });
    expect(states.toSorted()).toEqual([...Array(4).fill("queued"), ...Array(2).fill("running")]);
  });

  it("fails a document whose file its worker does not see, with a code that says so", async () => {
    const elsewhere = await mkdtemp(join(tmpdir(), "millrace-elsewhere-"));
    const worker = await fleet.start(["worker", "-Q", "documents"], { DATA_DIR: elsewhere });
    const form = new FormData();
    form.set("file", new Blob(["Rain came at last. The river rose.\n"]), "rain.txt");
    const reply = await fetch(`${first.url}/api/documents`, { method: "POST", body: form });
    const { job } = acceptedDocumentSchema.parse(await reply.json());

    // Its attempts are read after it: they may know of an end that it does not.
    const tried = await jobWhen(
      other,
      job.id,
      ({ state, attempts }) => state !== "running" && attempts.some(({ error }) => error !== null),
    );
    await worker.stop();
    await rm(elsewhere, { recursive: true, force: true });

    expect(tried.attempts[0]?.error).toMatchObject({ code: "stored_file_missing" });
    expect(tried.state).toBe("scheduled");
  });

  it("shows the health of a worker, and nothing else of an API", async () => {
    const worker = await fleet.start(["worker", "-Q", "chat"]);
    const statusOf = async (path: string): Promise<number> => (await fetch(worker.url + path)).status;
    // It is ready before it hears hints: until then it looks by itself.
    const hearsHints = async (): Promise<unknown> => (await fetch(`${worker.url}/readyz`)).json();
    await expect.poll(hearsHints, { timeout: 10_000 }).toMatchObject({ checks: { hints: { ok: true } } });

    const statuses = await Promise.all(["/livez", "/readyz", "/metrics", "/api/jobs"].map(statusOf));
    const readiness = await (await fetch(`${worker.url}/readyz`)).json();
    await worker.stop();

    expect(statuses).toEqual([200, 200, 200, 404]);
    expect(readiness).toMatchObject({ ready: true, checks: { worker: { ok: true }, hints: { ok: true } } });
  });

  it("ends a worker process when somebody asks its worker to stop", async () => {
    const worker = await fleet.start(["worker", "-Q", "chat", "-n", "goes"]);

    await fetch(`${first.url}/api/workers/goes/stop`, { method: "POST" });
    await waitFor(() => worker.process.exitCode !== null, { describe: "its end" });

    expect(worker.process.exitCode).toBe(0);
  });

  it("hands running jobs back at the second signal, however long they may go on after the first", async () => {
    const worker = await fleet.start(["worker", "-Q", "batch"], { WORKER_DRAIN_SECONDS: "3600" });
    const id = await addJob(first, "roles.hold");
    await jobWhen(first, id, ({ state }) => state === "running");

    worker.process.kill("SIGTERM");
    const afterFirst = await jobWhen(first, id, () => worker.output().includes("once more to hurry"));
    const health = (await fetch(`${worker.url}/livez`)).status;
    worker.process.kill("SIGTERM");
    await waitFor(() => worker.process.exitCode !== null, { describe: "its end" });
    const { state, attempts } = await readJob(first, id);
    await cancelAll(first, [id]);

    expect([afterFirst.state, health]).toEqual(["running", 200]);
    expect([worker.process.exitCode, state]).toEqual([0, "queued"]);
    expect(attempts.map(({ outcome }) => outcome)).toEqual(["handed_back"]);
  });
});

describe("several processes of one role", { timeout: 180_000 }, () => {
  it("starts one again that is killed, by the same name", async () => {
    const supervisor = await fleet.start(["worker", "-Q", "chat", "-n", "many", "--processes", "2"]);
    const names = (workers: readonly { readonly name: string }[]): string[] =>
      workers.map(({ name }) => name).toSorted();
    const before = await workersWhen(first, (workers) => names(workers).join() === "many-1,many-2");
    const victim = before.find(({ name }) => name === "many-2")?.pid ?? 0;

    const places = await waitFor(
      () => {
        const seen = new Set(supervisor.output().match(/its health at \S+/g));
        return seen.size === 2 ? seen : undefined;
      },
      { describe: "a place of each for its health" },
    );
    process.kill(victim, "SIGKILL");
    const after = await workersWhen(first, (workers) =>
      workers.some(({ name, pid }) => name === "many-2" && pid !== victim),
    );
    const output = await outputOf(other, await addJob(first, "roles.answer"));
    const code = await supervisor.stop();

    expect(places.size).toBe(2);
    expect(after.map(({ pid }) => pid)).toContain(before.find(({ name }) => name === "many-1")?.pid);
    expect(output).toBeTruthy();
    expect(code).toBe(0);
    expect([...before, ...after].some(({ pid }) => isAlive(pid))).toBe(false);
  });

  it("leaves no process behind when the one that watches over them is killed", async () => {
    const workers = await fleet.start(["worker", "-Q", "batch", "-n", "left", "--processes", "2"]);
    const apis = await fleet.start(["api", "--processes", "2"]);
    const living = await workersWhen(
      apis,
      (seen) => seen.filter(({ name }) => name.startsWith("left-")).length === 2,
    );
    const pids = living.filter(({ name }) => name.startsWith("left-")).map(({ pid }) => pid);
    const id = await addJob(apis, "roles.hold");
    await jobWhen(apis, id, ({ state }) => state === "running");

    await Promise.all([workers.kill9(), apis.kill9()]);
    await waitFor(() => !pids.some(isAlive), { describe: "the end of all" });
    const { state, attempts } = await readJob(first, id);
    await cancelAll(first, [id]);

    expect(state).toBe("queued");
    expect(attempts.map(({ outcome }) => outcome)).toEqual(["handed_back"]);
    await expect(fetch(`${apis.url}/livez`)).rejects.toThrow("fetch failed");
  });

  it.each([200, 1000])(
    "leaves no process behind when it is killed %s ms after they were started",
    async (ms) => {
      const { environment, folder } = fleet;
      const apis = startCommand(["api", "--processes", "2"], {
        folder,
        environment: { ...environment, PORT: "0" },
      });
      const pid = apis.process.pid ?? 0;
      const children = await waitFor(() => (childrenOf(pid).length === 2 ? childrenOf(pid) : undefined), {
        describe: "two processes",
        intervalMs: 5,
      });

      await sleep(ms);
      apis.process.kill("SIGKILL");

      await expect.poll(() => children.filter(isAlive)).toEqual([]);
    },
  );

  it("answers on one port, and goes on when one of them is killed", async () => {
    const apis = await fleet.start(["api", "--processes", "2"]);
    const pids = await waitFor(async () => await answeringPids(apis.url), {
      describe: "answers of two processes",
    });

    process.kill(pids[0] ?? 0, "SIGKILL");
    const after = await waitFor(
      async () => {
        const now = await answeringPids(apis.url);
        return now !== undefined && !now.includes(pids[0] ?? 0) ? now : undefined;
      },
      { describe: "a new process beside the other" },
    );
    const code = await apis.stop();

    expect(after).toContain(pids[1]);
    expect(code).toBe(0);
  });

  it("ends all when one can't be called so, with the exit code of that", async () => {
    const failed = fleet.start(["api", "--processes", "2"], { HOST: "0.0.0.0" });

    await expect(failed).rejects.toThrow("Millrace did not start");
  });
});

describe("a limit of memory", { timeout: 180_000 }, () => {
  it("ends a process that holds more, with the code to be started again", async () => {
    const api = await fleet.start(["api"], { API_MAX_MEMORY_MB: "64" });

    await waitFor(() => api.process.exitCode !== null, { describe: "its end", timeoutMs: 45_000 });

    expect(api.process.exitCode).toBe(75);
    expect(api.output()).toContain("more memory than it may");
  });

  it("lets a supervisor start it anew", async () => {
    const workers = await fleet.start(["worker", "-Q", "chat", "-n", "fat", "--processes", "2"], {
      WORKER_MAX_MEMORY_MB: "64",
    });
    const pidsOf = async (): Promise<number[]> => {
      const seen = await workersWhen(first, () => true);
      return seen.filter(({ name }) => name.startsWith("fat-")).map(({ pid }) => pid);
    };
    const before = await waitFor(async () => ((await pidsOf()).length === 2 ? await pidsOf() : undefined), {
      describe: "two workers",
    });

    const after = await waitFor(
      async () => {
        const pids = await pidsOf();
        return pids.some((pid) => !before.includes(pid)) ? pids : undefined;
      },
      { describe: "a worker in place of another", timeoutMs: 45_000 },
    );
    await workers.stop();

    expect(after.some((pid) => !before.includes(pid))).toBe(true);
  });
});

async function busySlots(server: { readonly url: string }): Promise<number> {
  const workers = await workersWhen(server, () => true);
  return workers.reduce((sum, { running }) => sum + running, 0);
}

async function cancelAll(server: { readonly url: string }, ids: readonly string[]): Promise<void> {
  for (const id of ids) await fetch(`${server.url}/api/jobs/${id}/cancel`, { method: "POST" });
  for (const id of ids) await jobWhen(server, id, ({ finished_at: end }) => end !== null);
}

/** The processes that answer at one address; undefined while fewer than two do. */
async function answeringPids(url: string): Promise<number[] | undefined> {
  const asked = Array.from({ length: 10 }, async () => {
    const response = await fetch(`${url}/api/process`, { headers: { connection: "close" } });
    return z.object({ pid: z.int() }).parse(await response.json()).pid;
  });
  const seen = [...new Set(await Promise.all(asked))];
  return seen.length < 2 ? undefined : seen;
}
