import type { JsonValue } from "@millrace/kernel";
import { defineTask } from "@millrace/queue";
import { z } from "zod";

/** A run may talk to models for long; what is recorded is not done again when an attempt is over. */
const softLimitMs = 3_300_000;

const jsonSchema: z.ZodType<JsonValue> = z.json();

const inputSchema = z.strictObject({
  crew: z.string().min(1).max(200),
  inputs: z.record(z.string(), jsonSchema).default({}),
  /** The run whose outputs are taken over, and the task where this one begins. */
  replay: z
    .strictObject({ of: z.uuid(), from: z.string().min(1).max(200) })
    .nullable()
    .default(null),
});
export type CrewRunInput = z.infer<typeof inputSchema>;

const outputSchema = z.object({ run_id: z.uuid(), raw: z.string(), json: jsonSchema });
export type CrewRunOutput = z.infer<typeof outputSchema>;

/** One run of a crew. It can be enqueued and scheduled like any other task. */
export const crewRunTask = defineTask<CrewRunInput, CrewRunOutput>({
  name: "crew.run",
  description: "Runs a crew of agents.",
  queue: "crews",
  softLimitMs,
  hardLimitMs: softLimitMs + 300_000,
  input: inputSchema,
  output: outputSchema,
});
