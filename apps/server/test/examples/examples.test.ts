import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { jobDetailSchema, jobSchema, pageSchema, scheduleSchema } from "@millrace/contracts";
import { waitFor } from "@millrace/testing";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { Example } from "./example.ts";

const patient = { timeoutMs: 90_000, intervalMs: 50 };

describe("the examples", { timeout: 240_000 }, () => {
  it("add: answers at once and has the sum later", async () => {
    await using example = await Example.start("add");

    const accepted = await example.post("/api/tasks/add/jobs", { input: { x: 2, y: 3 } });

    expect(accepted.status).toBe(202);
    const { id } = jobSchema.parse(await accepted.json());
    expect((await example.succeeded(id)).output).toBe(5);
  });

  it("nightly-report: has its schedule, and writes the report of yesterday into its own table", async () => {
    await using example = await Example.start("nightly-report");

    const schedules = await example.get("/api/schedules?source=program", pageSchema(scheduleSchema));
    expect(schedules.data).toMatchObject([{ name: "nightly-report", cron: "0 3 * * *" }]);
    const run = await example.post("/api/tasks/shop.write_report/jobs");
    await example.succeeded(jobSchema.parse(await run.json()).id);

    const reports = await example.get("/api/reports", z.object({ data: z.array(z.unknown()) }));
    expect(reports.data).toMatchObject([{ orders: 2, revenue_cents: 2150 }]);
  });

  it("mass-mail: sends each letter once, though the server is killed in the middle", async () => {
    await using example = await Example.start("mass-mail");
    const recipients = Array.from({ length: 40 }, (_none, nth) => `person${nth}@example.com`);
    const outbox = path.join(example.folder, "outbox");
    const sent = (): string[] =>
      existsSync(outbox) ? readdirSync(outbox).filter((name) => name.endsWith(".eml")) : [];
    const campaign = await example.post("/api/tasks/mail.send_campaign/jobs", {
      input: { subject: "Hello", text: "It is spring.", recipients: [...recipients, "person1@example.com"] },
    });
    const { id } = jobSchema.parse(await campaign.json());
    await waitFor(() => sent().length >= 10, { describe: "the tenth letter", ...patient });

    await example.killAndStart();

    expect(sent().length).toBeLessThan(40);
    expect((await example.succeeded(id)).output).toEqual({ letters: 40 });
    await waitFor(() => sent().length >= 40, { describe: "the last letter", ...patient });
    const open = await example.get(
      "/api/jobs?task=mail.send_letter&state=queued,running,scheduled&limit=100",
      pageSchema(jobSchema),
    );
    for (const letter of open.data) await example.succeeded(letter.id);
    const addressed = sent().map((name) => {
      const letter = readFileSync(path.join(outbox, name), "utf8");
      return /^To: (.+)\r$/m.exec(letter)?.[1] ?? "";
    });
    expect(addressed.toSorted()).toEqual(recipients.toSorted());
  });

  it("map-reduce-csv: merges what its parts gave", async () => {
    await using example = await Example.start("map-reduce-csv");

    const accepted = await example.post("/api/sales");

    expect(accepted.status).toBe(202);
    const output = await waitFor(
      async () => {
        const jobs = await example.get("/api/jobs?task=sales.merge_parts", pageSchema(jobSchema));
        const [merged] = jobs.data;
        return merged?.state === "succeeded" && example.get(`/api/jobs/${merged.id}`, jobDetailSchema);
      },
      { describe: "the merged sums", ...patient },
    );
    expect(output.output).toEqual({ total: 3100, products: { mill: 2000, wheel: 1000, sack: 100 } });
  });
});
