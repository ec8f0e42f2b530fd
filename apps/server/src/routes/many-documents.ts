import { documentBulkRequestSchema, documentBulkResultSchema } from "@millrace/contracts";
import { toJob } from "@millrace/queue";
import type { RouteParts } from "./route-parts.ts";
import type { TypedApp } from "./typed-app.ts";

/** `POST /api/documents/bulk`: one change for many documents. */
export function manyDocumentsRoute(app: TypedApp, parts: RouteParts): void {
  app.post(
    "/api/documents/bulk",
    {
      schema: {
        tags: ["Documents"],
        summary:
          "Tag, untag, move, delete, restore or reprocess many documents: at once where they are few, else by a job",
        body: documentBulkRequestSchema,
        response: { 200: documentBulkResultSchema, 202: documentBulkResultSchema },
      },
    },
    async (request, reply) => {
      const { filter, change, expected_count: expectedCount, dry_run: isDryRun } = request.body;
      const access = await parts.access.authenticate(request);
      const { changes } = parts.installation.documents;
      const { job, ...counts } = await changes.many(access, {
        ...{ filter, change, expectedCount, isDryRun },
        signal: parts.stopping,
      });
      if (job === undefined) return { ...counts, job: null };
      const shown = toJob(job);
      return reply
        .code(202)
        .headers({ location: shown.links.self, "retry-after": "1" })
        .send({ ...counts, job: shown });
    },
  );
}
