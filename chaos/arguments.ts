import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { brokerChoices } from "./ground/ground.ts";
import type { BrokerChoice } from "./ground/ground.ts";

export type ChaosArguments = {
  readonly minutes: number;
  /** Each fault once, however long that takes, instead of so many minutes. */
  readonly isOnce: boolean;
  readonly seed: number;
  readonly broker: BrokerChoice;
  readonly isReportKept: boolean;
  readonly isJson: boolean;
  /** Only these, in any order; empty: all. */
  readonly faults: readonly string[];
};

export const usage = `Usage: npm run chaos -- [--minutes N | --once] [--seed S] [--broker ${brokerChoices.join("|")}] [--fault NAME]… [--json] [--report]

Starts PostgreSQL, pgBouncer, Redis, RabbitMQ and two API and two worker processes of its own, puts a load on
them, breaks one thing after the other at random, and checks that nothing was lost and nothing done twice.
The same seed breaks the same things in the same order. --once breaks each thing once, however long that takes.
--report keeps the result under docs/reports.`;

const maxMinutes = 24 * 60;

/** Throws in words when they make no sense. */
export function readArguments(words: readonly string[]): ChaosArguments {
  const { values } = parseArgs({
    args: [...words],
    options: {
      minutes: { type: "string", default: "3" },
      once: { type: "boolean", default: false },
      seed: { type: "string" },
      broker: { type: "string", default: "mixed" },
      fault: { type: "string", multiple: true, default: [] },
      json: { type: "boolean", default: false },
      report: { type: "boolean", default: false },
    },
  });
  const minutes = Number(values.minutes);
  if (!(minutes > 0 && minutes <= maxMinutes))
    throw new Error(`--minutes must be a number up to ${maxMinutes}.`);
  const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed);
  if (!Number.isSafeInteger(seed) || seed < 0) throw new Error("--seed must be a whole number.");
  const broker = brokerChoices.find((choice) => choice === values.broker);
  if (broker === undefined) throw new Error(`--broker must be one of ${brokerChoices.join(", ")}.`);
  return {
    minutes,
    isOnce: values.once,
    seed,
    broker,
    isReportKept: values.report,
    isJson: values.json,
    faults: values.fault,
  };
}
