import cluster from "node:cluster";
import type { Worker } from "node:cluster";
import { fileURLToPath } from "node:url";
import { silentLogger } from "@millrace/kernel";
import { describe, expect, it, onTestFinished } from "vitest";
import { supervise } from "../../src/processes/supervise.ts";
import type { Supervisor, SupervisorOptions } from "../../src/processes/supervise.ts";

const module = fileURLToPath(new URL("./supervised-child.ts", import.meta.url));

/** Of one process, which is to hear these words. */
function superviseOne(options: Partial<SupervisorOptions> & Pick<SupervisorOptions, "words">): Supervisor {
  const supervisor = supervise({
    count: 1,
    module,
    environmentOf: () => ({}),
    finalCodes: [],
    stopMs: 30_000,
    logger: silentLogger,
    ...options,
  });
  onTestFinished(() => supervisor.kill());
  return supervisor;
}

/** The next process that runs, and does not listen before it is sent `go`. */
function nextToWait(): Promise<Worker> {
  return new Promise((resolve) => {
    cluster.on("message", function heed(worker, message) {
      if (message !== "waits") return;
      cluster.off("message", heed);
      resolve(worker);
    });
  });
}

/** Forks what is forked meanwhile from a program that does not exist. */
function withoutNode<Result>(start: () => Result): Result {
  const { execPath } = process;
  process.execPath = "/nonexistent/node";
  try {
    return start();
  } finally {
    process.execPath = execPath;
  }
}

describe("what a process is told before it listens", () => {
  it("is heard by it as soon as it does", async () => {
    const supervisor = superviseOne({ words: ["stop"] });
    const child = await nextToWait();

    supervisor.tell("stop");
    child.send("go");

    expect(await supervisor.ended).toBe(0);
  });

  it("is heard once each, in the order it was told", async () => {
    const supervisor = superviseOne({ words: ["stop", "hurry"] });
    const child = await nextToWait();

    supervisor.tell("stop");
    supervisor.tell("hurry");
    child.send("go");

    expect(await supervisor.ended).toBe(0);
  });
});

describe("a process that can't be forked", () => {
  it("is started again when Node tells of it later", async () => {
    const supervisor = withoutNode(() => superviseOne({ words: ["stop"] }));

    const child = await nextToWait();

    child.send("go");
    supervisor.tell("stop");
    expect(await supervisor.ended).toBe(0);
  });

  it("is started again when Node throws", async () => {
    // More than the system lets a process have in one variable.
    const environments = [{ TOO_LONG: "x".repeat(1_000_000) }];
    const supervisor = superviseOne({
      words: ["stop"],
      environmentOf: () => environments.pop() ?? {},
    });

    const child = await nextToWait();

    child.send("go");
    supervisor.tell("stop");
    expect(await supervisor.ended).toBe(0);
  });

  it("does not keep the supervisor from ending", async () => {
    const supervisor = withoutNode(() => superviseOne({ words: ["stop"] }));

    supervisor.tell("stop");

    expect(await supervisor.ended).toBe(1);
  });
});
