import { z } from "zod";

/** How the broker of one process stands: what tells it, and by it the others, that there is work. */
export const brokerStateSchema = z
  .object({
    /** `memory`, `postgres`, `redis` or `rabbitmq`. */
    kind: z.string(),
    /** Hints do not come or do not go: work is found by looking, a few seconds later. */
    degraded: z.boolean(),
    /** What is wrong, in words. Null when nothing is. */
    trouble: z.string().nullable(),
  })
  .meta({ id: "BrokerState" });
export type BrokerState = z.infer<typeof brokerStateSchema>;
