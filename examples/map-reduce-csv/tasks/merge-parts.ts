import { defineTask, handleTask, z } from "millrace";
import { revenueSchema } from "./sum-part.ts";

/** Reduce: what all parts gave, in one. */
export const mergeParts = defineTask({
  name: "sales.merge_parts",
  input: z.array(revenueSchema),
  output: z.object({ total: z.number(), products: revenueSchema }),
});

export const handleMergeParts = handleTask({
  task: mergeParts,
  run: async ({ input: parts }) => {
    const products: Record<string, number> = {};
    for (const part of parts) {
      for (const [product, cents] of Object.entries(part))
        products[product] = (products[product] ?? 0) + cents;
    }
    const total = Object.values(products).reduce((sum, cents) => sum + cents, 0);
    return { total, products };
  },
});
