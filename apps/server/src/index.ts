/**
 * What people's own code imports as `millrace`: to define tasks, to configure the product, and to test both.
 * Importing it starts nothing.
 */
export { MillraceError } from "@millrace/kernel";
export type { Access, Logger } from "@millrace/kernel";
export type { Cache } from "@millrace/cache";
export { defineTool } from "@millrace/crews";
export type {
  CrewCallback,
  CrewCondition,
  GuardrailCheck,
  TaskOutput,
  Tool,
  ToolCallContext,
  ToolContext,
} from "@millrace/crews";
export type { Database, Transaction } from "@millrace/database";
export {
  cancelThisJob,
  chain,
  chord,
  chunks,
  defineTask,
  forgetInput,
  group,
  handleBatchTask,
  handleTask,
  map,
  retryAfter,
  runInline,
  schedule,
  settled,
  snooze,
  step,
} from "@millrace/queue";
export type {
  AnyTaskHandler,
  BatchOutcome,
  EnqueueOptions,
  FencedScope,
  HookEvents,
  InlineRun,
  JobContext,
  Queue,
  Task,
  WriteScope,
} from "@millrace/queue";
export type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
export type { ZodTypeProvider } from "fastify-type-provider-zod";
export { sql } from "kysely";
export { z } from "zod";
export { defineConfig } from "./config/config.ts";
export type { Config, Plugin, PluginParts, TaskParts } from "./config/config.ts";
