import { documentEventRoutes, documentSocketRoutes } from "@millrace/documents";
import { eventRoutes, liveSocketRoutes } from "@millrace/live";
import { summaryEventRoutes, summarySocketRoutes } from "@millrace/summaries";
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { alarmRoutes } from "./alarms.ts";
import { askRoutes } from "./ask.ts";
import { budgetRoutes } from "./budgets.ts";
import { collectionRoutes } from "./collections.ts";
import { crewRunRoutes, runHomes } from "./crew-runs.ts";
import { crewRoutes } from "./crews.ts";
import { documentRoutes } from "./documents.ts";
import { jobRoutes } from "./jobs.ts";
import { createLivePorts } from "./live-ports.ts";
import { queueRoutes } from "./queues.ts";
import type { RouteParts } from "./route-parts.ts";
import { scheduleRoutes } from "./schedules.ts";
import { embeddingSpaceRoutes } from "./embedding-spaces.ts";
import { searchRoutes } from "./search.ts";
import { summaryRoutes } from "./summaries.ts";
import { systemRoutes } from "./system.ts";
import { taskLimitRoutes } from "./task-limits.ts";
import { taskRoutes } from "./tasks.ts";
import { usageRoutes } from "./usage.ts";
import { workerRoutes } from "./workers.ts";
import { workflowRoutes } from "./workflows.ts";

/** Every route of the API and its sockets. */
export async function registerRoutes(app: FastifyInstance, parts: RouteParts): Promise<void> {
  const typed = app.withTypeProvider<ZodTypeProvider>();
  documentRoutes(typed, parts);
  collectionRoutes(typed, parts);
  summaryRoutes(typed, parts);
  askRoutes(typed, parts);
  jobRoutes(typed, parts);
  queueRoutes(typed, parts);
  workerRoutes(typed, parts);
  taskLimitRoutes(typed, parts);
  scheduleRoutes(typed, parts);
  searchRoutes(typed, parts);
  embeddingSpaceRoutes(typed, parts);
  alarmRoutes(typed, parts);
  usageRoutes(typed, parts);
  budgetRoutes(typed, parts);
  systemRoutes(typed, parts);
  taskRoutes(typed, parts);
  workflowRoutes(typed, parts);
  crewRoutes(typed, parts);
  crewRunRoutes(typed, parts);
  const { hub, logger, installation } = parts;
  const { authenticate } = parts.access;
  const ports = createLivePorts(installation, hub);
  await app.register(liveSocketRoutes, { hub, logger, authenticate, ...ports.topics });
  await app.register(documentSocketRoutes, { hub, logger, authenticate, ...ports.documents });
  await app.register(documentEventRoutes, { hub, authenticate, ...ports.documents });
  await app.register(summarySocketRoutes, { hub, logger, authenticate, ...ports.summaries });
  await app.register(summaryEventRoutes, { hub, authenticate, ...ports.summaries });
  await app.register(eventRoutes, {
    ...{ hub, authenticate, ...ports.questions },
    ...{ path: "/api/ask/:id/events", tag: "Ask", subject: "a question" },
  });
  await app.register(eventRoutes, {
    ...{ hub, authenticate, ...ports.jobs },
    ...{ path: "/api/jobs/:id/events", tag: "Jobs", subject: "a job" },
  });
  for (const { path, isById = false } of runHomes) {
    await app.register(eventRoutes, {
      ...{ hub, authenticate, ...ports.crewRuns },
      ...{ path: `${path}/events`, tag: "Crews", subject: "a run of a crew", hide: isById },
    });
  }
}
