import { z } from "zod";
import { count, prose, reference, references, toolFailurePolicies } from "./key-shapes.ts";
import type { KeyTable } from "./key-table.ts";

const schema = z.object({
  name: prose.optional(),
  description: prose,
  expected_output: prose,
  agent: reference.optional(),
  context: z.array(reference).optional(),
  tools: z.array(reference).default([]),
  callback: reference.optional(),
  callbacks: references.default([]),
  output_json: reference.optional(),
  output_pydantic: reference.optional(),
  response_model: reference.optional(),
  output_file: prose.optional(),
  async_execution: z.boolean().default(false),
  human_input: z.boolean().default(false),
  markdown: z.boolean().default(false),
  guardrail: prose.optional(),
  guardrails: z.union([prose.transform((text) => [text]), z.array(prose)]).default([]),
  guardrail_max_retries: count.optional(),
  max_retries: count.optional(),
  allow_crewai_trigger_context: z.boolean().optional(),
  tool_failure_policy: z.enum(toolFailurePolicies).optional(),
  condition: reference.optional(),
});

/** The keys of one task in `tasks.yaml`. `condition` is ours: CrewAI says it in Python only. */
export const taskKeys: KeyTable<typeof schema.shape> = {
  schema,
  ignored: {
    create_directory: "output files are kept with the run, and folders in their names need no making.",
    input_files: "agents read text only. Give them the tool read_document.",
  },
  refused: {},
};
