import { types } from "node:util";
import { suggestion } from "@millrace/kernel";
import type { OwnModels } from "@millrace/models";
import { hookNames } from "@millrace/queue";
import type { AnyTaskHandler, NewSchedule } from "@millrace/queue";
import type { Config } from "./config.ts";

export type FieldProblem = { readonly path: string; readonly message: string };

/** What a value must be, in words; undefined when it is that. */
type Check = (value: unknown, path: string) => readonly FieldProblem[];

const scheduleFields: Readonly<Record<keyof NewSchedule, true>> = {
  name: true,
  description: true,
  task: true,
  input: true,
  cron: true,
  timezone: true,
  everyMs: true,
  at: true,
  startAt: true,
  endAt: true,
  jitterMs: true,
  misfire: true,
  graceMs: true,
  overlap: true,
  queue: true,
  priority: true,
  expiresInMs: true,
  owner: true,
  tags: true,
};

const fields: Readonly<Record<keyof Config, Check>> = {
  tasks: (value, path) => (isFunction(value) ? [] : eachOf(value, path, checkHandler, "handlers")),
  tasksDirectory: checkFolderName,
  plugins: (value, path) => eachOf(value, path, checkPlugin, "Fastify plugins"),
  migrations: checkFolderName,
  schedules: (value, path) => eachOf(value, path, checkSchedule, "schedules"),
  models: checkModels,
  crewsDirectory: checkFolderName,
  tools: (value, path) => namedValues(value, path, checkTool, "tools"),
  schemas: (value, path) => namedValues(value, path, checkSchema, "zod schemas"),
  callbacks: (value, path) => namedValues(value, path, checkFunction, "functions"),
  guardrails: (value, path) => namedValues(value, path, checkFunction, "functions"),
  conditions: (value, path) => namedValues(value, path, checkFunction, "functions"),
  llms: (value, path) => namedValues(value, path, checkModelName, "names of models"),
  hooks: (value, path) => {
    if (!isPlainObject(value)) return wrong(path, "an object with the names of hooks as keys", value);
    return Object.entries(value).flatMap(([name, listener]) => {
      const at = `${path}[${JSON.stringify(name)}]`;
      if (!Object.hasOwn(hookNames, name)) {
        const near = suggestion(name, Object.keys(hookNames));
        return [
          { path: at, message: `there is no such hook.${near} Hooks: ${Object.keys(hookNames).join(", ")}.` },
        ];
      }
      return isFunction(listener) || listener === undefined ? [] : wrong(at, "a function", listener);
    });
  },
};

const modelMethods = { chat: "doGenerate", embedding: "doEmbed" } as const;

const modelFields: Readonly<Record<keyof OwnModels, Check>> = {
  chat: (value, path) => checkModel(value, path, "chat"),
  embedding: (value, path) => checkModel(value, path, "embedding"),
  endpoints: (value, path) =>
    eachOf(value, path, (item, at) => checkModel(item, at, "chat"), "models of the AI SDK"),
  purposes: (value, path) => {
    if (!isPlainObject(value)) return wrong(path, "an object with purposes as keys", value);
    return Object.entries(value).flatMap(([purpose, names]) =>
      eachOf(names, `${path}[${JSON.stringify(purpose)}]`, checkModelName, "names of models"),
    );
  },
  // Amounts are checked where they are read, with those of MODEL_PRICES.
  prices: (value, path) =>
    isPlainObject(value) ? [] : wrong(path, "an object with names of models as keys", value),
};

/** What the files of crews call things by. */
function namedValues(value: unknown, path: string, check: Check, what: string): readonly FieldProblem[] {
  if (!isPlainObject(value)) return wrong(path, `an object with names as keys and ${what} as values`, value);
  return Object.entries(value).flatMap(([name, item]) => check(item, `${path}[${JSON.stringify(name)}]`));
}

function checkTool(value: unknown, path: string): readonly FieldProblem[] {
  const isTool = isObject(value) && typeof value["name"] === "string" && isFunction(value["accept"]);
  return isTool ? [] : wrong(path, "a tool, as defineTool makes it", value);
}

function checkSchema(value: unknown, path: string): readonly FieldProblem[] {
  return isObject(value) && isFunction(value["safeParse"]) ? [] : wrong(path, "a schema of zod", value);
}

function checkFunction(value: unknown, path: string): readonly FieldProblem[] {
  return isFunction(value) ? [] : wrong(path, "a function", value);
}

function checkModelName(value: unknown, path: string): readonly FieldProblem[] {
  return typeof value === "string"
    ? []
    : wrong(path, "the name of a model, such as gemini:gemini-2.5-flash", value);
}

function checkModels(value: unknown, path: string): readonly FieldProblem[] {
  const names = Object.keys(modelFields);
  if (!isPlainObject(value)) return wrong(path, `an object with ${names.join(", ")}`, value);
  return Object.entries(value).flatMap(([name, field]) => {
    const at = `${path}.${name}`;
    if (!isModelField(name)) {
      return [
        {
          path: at,
          message: `there is no such field.${suggestion(name, names)} Fields: ${names.join(", ")}.`,
        },
      ];
    }
    return field === undefined ? [] : modelFields[name](field, at);
  });
}

function checkModel(model: unknown, path: string, kind: keyof typeof modelMethods): readonly FieldProblem[] {
  if (!isObject(model) || !isFunction(model[modelMethods[kind]])) {
    return wrong(path, `a model as a provider of the AI SDK makes it for ${kind}`, model);
  }
  const version = model["specificationVersion"];
  const expected = "v4, that of version 7 of the AI SDK: update the provider";
  return version === "v4" ? [] : wrong(`${path}.specificationVersion`, expected, version);
}

function isModelField(name: string): name is keyof OwnModels {
  return Object.hasOwn(modelFields, name);
}

/** Everything that is wrong with the default export of a configuration. */
export function findConfigProblems(value: unknown): readonly FieldProblem[] {
  if (!isPlainObject(value)) {
    return [
      {
        path: "default export",
        message: `must be what defineConfig gives, an object; it is ${named(value)}.`,
      },
    ];
  }
  return Object.entries(value).flatMap(([name, field]) => {
    if (!isField(name)) {
      const near = suggestion(name, Object.keys(fields));
      return [
        { path: name, message: `there is no such field.${near} Fields: ${Object.keys(fields).join(", ")}.` },
      ];
    }
    return field === undefined ? [] : fields[name](field, name);
  });
}

/** What a function that makes handlers gave, by the same rules as a list of them. */
export function findHandlerProblems(value: unknown, path: string): readonly FieldProblem[] {
  return eachOf(value, path, checkHandler, "handlers");
}

/** Whether it was made by `handleTask` or `handleBatchTask`, perhaps by another copy of them. */
export function isTaskHandler(value: unknown): value is AnyTaskHandler {
  return (
    isObject(value) && isTask(value["task"]) && isFunction(value["readInput"]) && isFunction(value["run"])
  );
}

/** Whether it was made by `defineTask`. */
export function isTask(value: unknown): value is AnyTaskHandler["task"] {
  return (
    isObject(value) &&
    typeof value["name"] === "string" &&
    typeof value["version"] === "number" &&
    typeof value["queue"] === "string" &&
    isObject(value["input"]) &&
    isObject(value["output"])
  );
}

/** What joins a task with code and did not go through `handleTask`: somebody forgot it. */
export function isUnfinishedHandler(value: unknown): boolean {
  return isObject(value) && isTask(value["task"]) && isFunction(value["run"]) && !isTaskHandler(value);
}

const handlerWanted = "a handler, as handleTask or handleBatchTask makes it";

function checkHandler(value: unknown, path: string): readonly FieldProblem[] {
  return isTaskHandler(value) ? [] : wrong(path, handlerWanted, value);
}

function checkPlugin(value: unknown, path: string): readonly FieldProblem[] {
  if (isFunction(value)) return [];
  if (!isPlainObject(value)) return wrong(path, "a Fastify plugin, or { plugin, options }", value);
  const { plugin, options, ...rest } = value;
  return [
    ...(isFunction(plugin) ? [] : wrong(`${path}.plugin`, "a Fastify plugin, which is a function", plugin)),
    ...(options === undefined || isPlainObject(options)
      ? []
      : wrong(`${path}.options`, "an object", options)),
    ...Object.keys(rest).map((name) => ({
      path: `${path}.${name}`,
      message: `there is no such field.${suggestion(name, ["plugin", "options"])} A plugin has plugin and options.`,
    })),
  ];
}

/** The form alone: times, task and input are checked where the tasks are known. */
function checkSchedule(value: unknown, path: string): readonly FieldProblem[] {
  if (!isPlainObject(value) || typeof value["name"] !== "string" || typeof value["task"] !== "string") {
    return wrong(path, "a schedule, as schedule({ name, task, input, … }) makes it", value);
  }
  return Object.keys(value)
    .filter((name) => !Object.hasOwn(scheduleFields, name))
    .map((name) => ({
      path: `${path}.${name}`,
      message: `there is no such field.${suggestion(name, Object.keys(scheduleFields))}`,
    }));
}

function checkFolderName(value: unknown, path: string): readonly FieldProblem[] {
  return typeof value === "string" && value.trim() !== "" ? [] : wrong(path, "the name of a folder", value);
}

function eachOf(value: unknown, path: string, check: Check, what: string): readonly FieldProblem[] {
  if (!Array.isArray(value)) return wrong(path, `a list of ${what}`, value);
  return value.flatMap((item: unknown, index) => check(item, `${path}[${index}]`));
}

function wrong(path: string, expected: string, value: unknown): readonly FieldProblem[] {
  return [{ path, message: `must be ${expected}; it is ${named(value)}.` }];
}

function named(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (Array.isArray(value)) return "a list";
  if (types.isPromise(value)) return "a promise; await it first";
  if (isTask(value)) return `the task ${value.name} without its handler`;
  if (typeof value === "string") return JSON.stringify(value.slice(0, 100));
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

function isField(name: string): name is keyof Config {
  return Object.hasOwn(fields, name);
}

function isFunction(value: unknown): boolean {
  return typeof value === "function";
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return isObject(value) && !Array.isArray(value) && !types.isPromise(value);
}
