import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { defineTask, handleTask, MillraceError, z } from "millrace";

export const revenueSchema = z.record(z.string(), z.number());

/** Map: one file to the revenue of each product in it. */
export const sumPart = defineTask({
  name: "sales.sum_part",
  input: z.object({ file: z.string().regex(/^[\w-]+\.csv$/, "must be the name of a CSV file") }),
  output: revenueSchema,
});

export const handleSumPart = handleTask({
  task: sumPart,
  run: async ({ input, signal }) => {
    const text = await readFile(join(import.meta.dirname, "../sales", input.file), {
      encoding: "utf8",
      signal,
    });
    const [, ...lines] = text.trim().split("\n");
    const revenue: Record<string, number> = {};
    for (const [index, line] of lines.entries()) {
      const [product = "", price = ""] = line.split(",");
      const cents = Number(price);
      if (product === "" || !Number.isSafeInteger(cents)) throw unreadable(input.file, index + 2);
      revenue[product] = (revenue[product] ?? 0) + cents;
    }
    return revenue;
  },
});

/** Of the kind that never passes by itself: the job fails at once, with words that people get to see. */
function unreadable(file: string, line: number): MillraceError {
  return new MillraceError({
    code: "csv_unreadable",
    kind: "invalid",
    message: `${file}, line ${line}: write a product and its price in cents, with a comma between.`,
  });
}
