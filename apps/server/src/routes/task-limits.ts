import { taskLimitSettingsSchema, updateTaskLimitsSchema } from "@millrace/contracts";
import type { TaskLimitSettings } from "@millrace/contracts";
import type { RateLimit } from "@millrace/queue";
import { z } from "zod";
import { personOf } from "./on-behalf.ts";
import type { RouteParts } from "./route-parts.ts";
import { assertKnownTask } from "./tasks.ts";
import { rateView } from "./task-view.ts";
import type { TypedApp } from "./typed-app.ts";

const params = z.object({ name: z.string().max(200) });

/** `PATCH /api/tasks/{name}/limits`: what people set for a task goes before what its program says. */
export function taskLimitRoutes(app: TypedApp, parts: RouteParts): void {
  const { queue } = parts.installation;
  const { control } = queue;
  app.patch(
    "/api/tasks/:name/limits",
    {
      schema: {
        tags: ["Tasks"],
        summary: "Set limits of a task for all workers; null is the program's again",
        params,
        body: updateTaskLimitsSchema,
        response: { 200: taskLimitSettingsSchema },
      },
    },
    async (request) => {
      const by = personOf(await parts.access.authenticate(request));
      const { rate_limit, key_rate_limit, concurrency, key_concurrency } = request.body;
      const limits = {
        ...(rate_limit === undefined ? {} : { rateLimit: rate_limit }),
        ...(key_rate_limit === undefined ? {} : { keyRateLimit: key_rate_limit }),
        ...(concurrency === undefined ? {} : { concurrency }),
        ...(key_concurrency === undefined ? {} : { keyConcurrency: key_concurrency }),
      };
      const { name } = request.params;
      // Those of a task that is gone can still be taken back.
      if (Object.values(limits).some((limit) => limit !== null)) await assertKnownTask(queue, name);
      await control.setTaskLimits(name, limits, { by });
      return toSettings(name, await control.listTaskLimits());
    },
  );
}

type Controls = Awaited<ReturnType<RouteParts["installation"]["queue"]["control"]["listTaskLimits"]>>;

function toSettings(task: string, controls: Controls): TaskLimitSettings {
  const { rateLimit, keyRateLimit, concurrency, keyConcurrency } = controls.get(task) ?? {};
  const rate = (limit: RateLimit | "none" | undefined): string | null =>
    limit === undefined || limit === "none" ? (limit ?? null) : rateView(limit).limit;
  return {
    task,
    rate_limit: rate(rateLimit),
    key_rate_limit: rate(keyRateLimit),
    concurrency: concurrency ?? null,
    key_concurrency: keyConcurrency ?? null,
  };
}
