import { parseJson } from "@millrace/kernel";
import { z } from "zod";
import { queueName } from "../tasks/check-task.ts";
import type { Hint } from "./broker.ts";

/** More than any hint has: twenty ids and three names. What is larger is not even parsed. */
const maxBytes = 16_384;

/** Only the queue is needed: a newer version may say more, and a person at the broker's page says less. */
const messageSchema = z.object({
  queue: z.string().regex(queueName),
  count: z.int().min(1).default(1),
  job_ids: z.array(z.string()).max(20).default([]),
  task: z.string().optional(),
  priority: z.number().optional(),
});

/** A hint as brokers with messages carry it: JSON with the fields that a person may look at. */
export function formatHintMessage({ queue, count, jobIds, task, priority }: Hint): Buffer {
  return Buffer.from(JSON.stringify({ queue, count, job_ids: jobIds, task, priority }));
}

/** Undefined for what is not a hint. */
export function parseHintMessage(content: Buffer): Hint | undefined {
  if (content.length > maxBytes) return undefined;
  const parsed = messageSchema.safeParse(jsonOf(content));
  if (!parsed.success) return undefined;
  const { queue, count, job_ids: jobIds, task, priority } = parsed.data;
  return {
    queue,
    count,
    jobIds,
    ...(task === undefined ? {} : { task }),
    ...(priority === undefined ? {} : { priority }),
  };
}

function jsonOf(content: Buffer): unknown {
  try {
    return parseJson(content.toString());
  } catch {
    // Undefined is no hint either.
    return undefined;
  }
}
