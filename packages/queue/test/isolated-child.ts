/** The child process that jobs of the queue's tests get. */
import { spawn } from "node:child_process";
import { silentLogger, sleep } from "@millrace/kernel";
import { z } from "zod";
import { handleTask, serveJobs } from "../src/index.ts";
import type { EventBus, JobContext } from "../src/index.ts";
import { scriptTask } from "./script-task.ts";

/** The same with limits that a test can wait for. */
const quickTask = { ...scriptTask, version: 2, softLimitMs: 100, hardLimitMs: 300 };

const megabyte = 1024 * 1024;
const kept: unknown[] = [];

function die(): Promise<never> {
  process.kill(process.pid, "SIGKILL");
  return new Promise(() => undefined);
}

function spin(): never {
  for (;;);
}

/** Grows outside of the JavaScript heap, without end but not faster than somebody can look. */
async function swell(): Promise<never> {
  for (;;) {
    kept.push(Buffer.alloc(20 * megabyte, 1));
    await sleep(50);
  }
}

function fillHeap(): never {
  for (let index = 0; ; index++) kept.push({ index, text: `a text of its own ${index}` });
}

async function runScript(
  script: string,
  context: Pick<JobContext<unknown>, "step" | "transaction" | "signal" | "log" | "job" | "waitFor">,
  bus: EventBus,
): Promise<{ answer: string }> {
  const answer = { answer: String(process.pid) };
  switch (script) {
    case "die":
      return await die();
    case "die_in_transaction":
      return await context.transaction(die);
    case "only_answer":
      return answer;
    case "exit":
      return process.exit(0);
    case "spin":
      await context.step("pid", async () => process.pid);
      return spin();
    case "spin_with_helper": {
      const helper = spawn("sleep", ["600"], { stdio: "ignore" });
      await context.step("pid", async () => helper.pid);
      return spin();
    }
    case "wait_with_helper": {
      const helper = spawn("sleep", ["600"], { stdio: "ignore" });
      await context.step("pid", async () => helper.pid);
      await sleep(60_000, context.signal);
      return answer;
    }
    case "wait":
      await context.step("pid", async () => process.pid);
      await sleep(60_000, context.signal);
      return answer;
    case "hang":
      return await new Promise(() => undefined);
    case "keep":
      kept.push(Buffer.alloc(100 * megabyte, 1));
      return answer;
    case "swell":
      return await swell();
    case "fill_heap":
      return fillHeap();
    case "reject_at_once":
      void Promise.reject(new Error("nobody waits for this"));
      await sleep(60_000);
      return answer;
    case "reject_later":
      setTimeout(() => void Promise.reject(new Error("nobody waits for this")), 200);
      return answer;
    case "ask": {
      const word = await context.waitFor("word", { question: "Which word?", schema: z.string() });
      return { answer: word };
    }
    case "publish": {
      const { id, owner } = context.job;
      bus.publishTransition({
        type: "snoozed",
        job: { id, task: scriptTask.name, queue: "tests", owner, state: "blocked", attempt: 1 },
      });
      bus.publishNotice({ topic: "workspace", owner, type: "tests.said", data: { job_id: id } });
      return answer;
    }
    default: {
      context.log("info", "in a process of its own");
      const { pid } = await context.step("work", async () => ({ pid: process.pid }));
      return { answer: String(pid) };
    }
  }
}

await serveJobs({
  parent: process,
  kind: "embedded",
  logger: silentLogger,
  open: async (_database, bus) => ({
    close: async () => undefined,
    handlers: [scriptTask, quickTask].map((task) =>
      handleTask({ task, run: (context) => runScript(context.input.script, context, bus) }),
    ),
  }),
});
