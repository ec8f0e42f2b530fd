import { defineConfig, schedule, sql } from "millrace";
import type { Plugin } from "millrace";
import { writeReport } from "./tasks/write-report.ts";

const reports: Plugin = async (app, { authenticate, database }) => {
  app.get("/api/reports", async (request) => {
    await authenticate(request);
    const found = await sql`
      SELECT day::text, orders, revenue_cents FROM shop_report ORDER BY day DESC LIMIT 31`.execute(
      database.queryable,
    );
    return { data: found.rows };
  });
};

export default defineConfig({
  migrations: "migrations",
  plugins: [reports],
  schedules: [
    schedule({
      name: "nightly-report",
      task: writeReport,
      input: {},
      cron: "0 3 * * *",
      timezone: "Europe/Berlin",
      // A night without a server: one report in the morning, not one for each that was missed.
      misfire: "once",
    }),
  ],
});
