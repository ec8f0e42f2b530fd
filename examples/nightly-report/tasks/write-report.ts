import { defineTask, handleTask, sql, z } from "millrace";

export const writeReport = defineTask({
  name: "shop.write_report",
  description: "Sums up the orders of a day",
  input: z.object({ day: z.iso.date().optional().describe("Default: yesterday, by the database's clock") }),
  output: z.object({ day: z.string(), orders: z.number(), revenue_cents: z.number() }),
  // One at a time, so that two runs never write the same day beside each other.
  concurrency: 1,
});

type Report = z.infer<typeof writeReport.output>;

export const handleWriteReport = handleTask({
  task: writeReport,
  run: async ({ input, log, transaction }) => {
    // Reading and writing in one transaction that commits only while this attempt holds the job.
    const report = await transaction(async (scope) => {
      const written = await sql<Report>`
        INSERT INTO shop_report (day, orders, revenue_cents)
        SELECT wanted.day, count(shop_order.id), coalesce(sum(price_cents), 0)
        FROM (SELECT coalesce(${input.day ?? null}::date, current_date - 1) AS day) AS wanted
        LEFT JOIN shop_order ON ordered_at >= wanted.day AND ordered_at < wanted.day + 1
        GROUP BY wanted.day
        ON CONFLICT (day) DO UPDATE SET orders = excluded.orders, revenue_cents = excluded.revenue_cents
        RETURNING day::text, orders, revenue_cents`.execute(scope.transaction);
      return written.rows[0];
    });
    if (report === undefined) throw new Error("the report was not written");
    log("info", `${report.orders} orders on ${report.day}`);
    return report;
  },
});
