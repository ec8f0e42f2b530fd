import { describe, expect, it } from "vitest";
import { z } from "zod";
import { TaskRegistry } from "./task-registry.ts";
import { defineTask, handleTask } from "./task.ts";
import type { Task } from "./task.ts";

function define(name: string, options: { version?: number; queue?: string; redact?: string[] } = {}) {
  return defineTask({ name, input: z.unknown(), output: z.unknown(), ...options });
}

function handle(task: Task) {
  return handleTask({ task, run: () => Promise.resolve(null) });
}

const read = define("pages.read_page", { queue: "pages" });
const write = define("pages.write_page", { queue: "pages" });

describe("a registry", () => {
  it("refuses two handlers for one version of a task", () => {
    expect(() => new TaskRegistry([handle(read), handle(read)])).toThrow(
      expect.objectContaining({ code: "doubled_handler" }),
    );
  });

  it("runs two versions of a task side by side", () => {
    const next = define("pages.read_page", { version: 2 });

    const registry = new TaskRegistry([handle(read), handle(next)]);

    expect(registry.keys()).toEqual(["pages.read_page@1", "pages.read_page@2"]);
  });

  it("names every declared task without a handler", () => {
    const registry = new TaskRegistry([handle(read)]);

    expect(() => registry.assertHandlers([read])).not.toThrow();
    expect(() => registry.assertHandlers([write, read, define("pages.drop_page")])).toThrow(
      expect.objectContaining({
        code: "missing_handler",
        details: { tasks: ["pages.write_page@1", "pages.drop_page@1"] },
      }),
    );
  });

  it("does not take a task for handled because another version is", () => {
    const registry = new TaskRegistry([handle(read)]);

    expect(() => registry.assertHandlers([define("pages.read_page", { version: 2 })])).toThrow(
      expect.objectContaining({ code: "missing_handler" }),
    );
  });

  it("lists the tasks it knows, handled or not", () => {
    const registry = new TaskRegistry([handle(write)], { tasks: [read, write] });

    expect(registry.tasks().map(({ name }) => name)).toEqual(["pages.read_page", "pages.write_page"]);
    expect(registry.findTask("pages.read_page", 1)).toEqual(read);
    expect(registry.find("pages.read_page", 1)).toBeUndefined();
  });
});

describe("overrides in a registry", () => {
  const overrides = { "pages.*": { queue: "slow" } };

  it("hold for handlers and their queues", () => {
    const registry = new TaskRegistry([handle(read)], { overrides });

    expect(registry.find("pages.read_page", 1)?.task.queue).toBe("slow");
    expect(registry.queues()).toEqual(["slow"]);
  });

  it("hold for tasks that this process does not know", () => {
    const registry = new TaskRegistry([], { overrides });

    expect(registry.taskFor(write).queue).toBe("slow");
    expect(registry.taskFor(write)).toBe(registry.taskFor(write));
  });

  it("fail at boot when they name a task that there is not", () => {
    const registry = new TaskRegistry([handle(read)], { overrides: { "pages.raed_page": {} } });

    expect(() => registry.checkOverrides()).toThrow(
      expect.objectContaining({
        code: "unknown_task_override",
        details: { patterns: ["pages.raed_page"] },
      }),
    );
  });

  it("are told of when a pattern covers nothing", () => {
    const registry = new TaskRegistry([handle(read)], { overrides: { ...overrides, "models.*": {} } });

    expect(registry.checkOverrides()).toEqual(["models.*"]);
  });

  it("know tasks that were only declared", () => {
    const registry = new TaskRegistry([], { tasks: [write], overrides: { "pages.write_page": {} } });

    expect(registry.checkOverrides()).toEqual([]);
  });
});

describe("what people see of a job", () => {
  const first = define("users.invite_user", { redact: ["password"] });
  const second = define("users.invite_user", { version: 2, redact: ["code"] });
  const registry = new TaskRegistry([], { tasks: [first, second, read] });
  const value = { password: "hunter22", code: "12345", name: "Ada" };

  it("leaves out what the version of its task names", () => {
    expect(registry.redact({ task: "users.invite_user", version: 1 }, value)).toEqual({
      ...value,
      password: "[redacted]",
    });
  });

  it("leaves out what any version names, of a version that is not known", () => {
    expect(registry.redact({ task: "users.invite_user", version: 3 }, value)).toEqual({
      password: "[redacted]",
      code: "[redacted]",
      name: "Ada",
    });
  });

  it("leaves out everything of a task that is not known", () => {
    expect(registry.redact({ task: "users.forget_user", version: 1 }, value)).toBe("[redacted]");
    expect(registry.redact({ task: "users.forget_user", version: 1 }, null)).toBeNull();
  });

  it("is all of it where the task names nothing", () => {
    expect(registry.redact({ task: "pages.read_page", version: 1 }, value)).toEqual(value);
  });
});
