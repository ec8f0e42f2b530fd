import { integerSetting } from "@millrace/kernel";
import type { SettingsSection } from "@millrace/kernel";
import { z } from "zod";

/** Below that a process of ours does not even start. */
const minMemoryMegabytes = 64;

const memoryLimit = z.coerce.number().int().min(minMemoryMegabytes).max(1_048_576).optional();

/** How the processes of `millrace api` and `millrace worker` begin, are watched, and end. */
export const roleSettings = {
  title: "Processes",
  schema: z.object({
    BROKER_URL: z
      .url({
        protocol: /^(postgres(ql)?|rediss?|amqps?)$/,
        error: "must look like redis://host:6379, amqp://user:password@host:5672 or postgres://…",
      })
      .optional()
      .describe(
        "What tells other processes that there is work: redis://, rediss://, amqp:// or amqps:// (RabbitMQ). It holds no jobs; while it is away, they start a few seconds later. Unset: PostgreSQL itself.",
      ),
    PROCESSES: integerSetting({ min: 1, max: 64, byDefault: 1 }).describe(
      "Processes of `millrace api` (on one port) or of `millrace worker` (WORKER_CONCURRENCY jobs each) on this machine. One that dies is started again.",
    ),
    HEALTH_PORT: z.coerce
      .number()
      .int()
      .min(0)
      .max(65_535)
      .optional()
      .describe(
        "Where `millrace worker` answers /livez, /readyz and /metrics, on HOST; 0 takes any free port. Several processes take this port and those after it. Unset: nowhere.",
      ),
    API_DRAIN_SECONDS: integerSetting({ min: 0, max: 600, byDefault: 3 }).describe(
      "How long `millrace api` goes on answering after a signal, with /readyz false, so that balancers turn away before it closes.",
    ),
    WORKER_DRAIN_SECONDS: integerSetting({ min: 0, max: 3600, byDefault: 3 }).describe(
      "How long running jobs may go on after a signal. Then they go back to their queue and go on elsewhere after their last recorded step.",
    ),
    API_MAX_MEMORY_MB: memoryLimit.describe(
      "A process of `millrace api` that holds more for a few seconds ends in good order with exit code 75, to be started again. Unset: no limit.",
    ),
    WORKER_MAX_MEMORY_MB: memoryLimit.describe(
      "The same for a process of `millrace worker`, without its children. Unset: no limit.",
    ),
  }),
} satisfies SettingsSection;
