import { acceptedDocumentSchema, documentSchema, documentStatsSchema } from "@millrace/contracts";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { codeOf, Flow } from "./flow.ts";
import type { Ground } from "./flow.ts";
import { expectConsistency } from "./invariants.ts";

const text = "The storm came over the mill at night. Everybody was afraid, but nobody was hurt. ";

/** Many clients at once, and a database that fails under them. */
export function stormSuite(ground: Ground): void {
  let flow: Flow;
  beforeAll(async () => {
    flow = await Flow.start(ground, { WORKER_CONCURRENCY: "8" });
  });
  afterAll(() => flow.stop());

  describe(`many at once, ${ground}`, () => {
    it("accepts two hundred texts at once and finishes every one, while some are deleted", async () => {
      const accepted = await Promise.all(
        Array.from({ length: 200 }, (_none, index) =>
          flow.postText(`${index}: ${text.repeat(1 + (index % 4))}`),
        ),
      );
      const gone = accepted.filter((_one, index) => index % 4 === 0).map(({ document }) => document.id);

      const deleted = await Promise.all(gone.map((id) => flow.send("DELETE", `/api/documents/${id}`)));

      expect(new Set(deleted.map(({ status }) => status))).toEqual(new Set([204]));
      await expectConsistency(flow);
      const stats = await flow.get("/api/documents/stats", documentStatsSchema);
      expect(stats).toMatchObject({ total: 150, completed: 150, processing: 0 });
      const kept = await flow.listAll("/api/documents", documentSchema);
      expect(kept.map(({ id }) => id).toSorted()).toEqual(
        accepted
          .map(({ document }) => document.id)
          .filter((id) => !gone.includes(id))
          .toSorted(),
      );
    });

    it("keeps documents and jobs in step when people press every button at once", async () => {
      const accepted = await Promise.all(Array.from({ length: 10 }, () => flow.postText(text.repeat(3))));
      const press = async (id: string, jobId: string, turn: number): Promise<void> => {
        const buttons = [
          `/api/documents/${id}/reprocess`,
          `/api/documents/${id}/cancel_processing`,
          `/api/jobs/${jobId}/retry`,
          `/api/jobs/${jobId}/cancel`,
          `/api/documents/${id}/retry_failed`,
        ];
        const replies = await Promise.all(
          buttons.map((_button, index) => flow.send("POST", buttons[(index + turn) % buttons.length] ?? "")),
        );
        for (const { status, body } of replies) expect([202, 409], JSON.stringify(body)).toContain(status);
      };

      for (let turn = 0; turn < 10; turn++) {
        await Promise.all(accepted.map(({ document, job }) => press(document.id, job.id, turn)));
      }

      await expectConsistency(flow);
    });

    it("deletes a document at whatever stage its work is, and brings it back as far as it came", async () => {
      const removeAt = async (delayTurns: number): Promise<void> => {
        const { document } = await flow.postText(`Delete me. ${text.repeat(400)}`);
        for (let turn = 0; turn < delayTurns; turn++) await flow.document(document.id);
        expect((await flow.send("DELETE", `/api/documents/${document.id}`)).status).toBe(204);
      };

      await Promise.all(Array.from({ length: 24 }, (_none, index) => removeAt(index * 2)));

      await expectConsistency(flow);
      const search = await flow.send("GET", "/api/search?q=delete");
      expect(search.body).toMatchObject({ data: [] });
      const change = { action: "restore" };
      const restored = await flow.send("POST", "/api/documents/bulk", {
        json: { filter: { trashed: true }, change },
      });
      expect(restored.body).toMatchObject({ failed: 0, job: null });
      await expectConsistency(flow);
      const back = await flow.listAll("/api/documents?search=Delete%20me", documentSchema);
      expect(back).toHaveLength(24);
      await flow.expectAlive();
    });
  });

  if (ground === "embedded") return;
  it("keeps a document's answers after its job has been forgotten", async () => {
    const { document, job } = await flow.postText(text);
    await flow.send("POST", `/api/jobs/${job.id}/cancel`);
    await flow.settled(document.id);
    await sql`DELETE FROM job WHERE id = ${job.id}`.execute(flow.database!.database.queryable);
    const path = `/api/documents/${document.id}`;

    const status = await flow.send("GET", `${path}/status`);
    const cancelled = await flow.send("POST", `${path}/cancel_processing`);
    const again = await flow.send("POST", `${path}/reprocess`);

    expect(status).toMatchObject({ status: 200, body: { job: null } });
    expect([cancelled.status, codeOf(cancelled)]).toEqual([409, "already_finished"]);
    expect(again.status).toBe(202);
    expect((await flow.settled(document.id)).status).toBe("completed");
  });

  it("loses nothing when every connection to the database is cut twice a second", async () => {
    const database = flow.database?.database;
    const cut = async (): Promise<void> => {
      if (database === undefined) return;
      await sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'`.execute(
        database.queryable,
      );
    };
    const accepted: string[] = [];
    const cutting = setInterval(() => void cut().catch(() => undefined), 500);
    try {
      while (accepted.length < 30) {
        const reply = await flow.send("POST", "/api/documents", { json: { text: text.repeat(20) } });
        // Cut off while it was asked, it says so, and says when to come again.
        const isFine = reply.status === 202 || reply.headers.get("retry-after") === "5";
        expect(isFine, `${reply.status} ${JSON.stringify(reply.body)}`).toBe(true);
        const parsed = acceptedDocumentSchema.safeParse(reply.body);
        if (parsed.success) accepted.push(parsed.data.document.id);
      }
      // On a machine so busy that hardly anything comes to its end between two cuts, they must stop some time.
      setTimeout(() => clearInterval(cutting), 20_000).unref();
      await flow.until(
        () => flow.send("GET", "/api/documents/stats"),
        ({ body }) => documentStatsSchema.safeParse(body).data?.processing === 0,
        120_000,
      );
    } finally {
      clearInterval(cutting);
    }

    await expectConsistency(flow);
    for (const id of accepted) expect(await flow.document(id)).toMatchObject({ status: "completed" });
    await flow.expectAlive();
  }, 200_000);
}
