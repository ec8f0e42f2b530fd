import { z } from "zod";
import { calculate } from "./calculate.ts";
import { defineTool } from "./tool.ts";

/** Arithmetic, which models do badly. */
export const calculator = defineTool({
  name: "calculator",
  description:
    "Calculates an arithmetic expression exactly: + - * / % ^, brackets, abs, ceil, floor, round(value, digits), sqrt, exp, ln, log, min, max, sum, avg, pi, e.",
  input: z.object({ expression: z.string().describe("Such as (1200 - 950) / 950 * 100") }),
  run: async ({ expression }) => {
    const result = calculate(expression);
    // The model reads why and writes it better; nothing has failed.
    return result.ok ? String(result.value) : `No result: ${result.problem}`;
  },
});
