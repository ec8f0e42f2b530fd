import { z } from "zod";
import { positive, prose, reference, references } from "./key-shapes.ts";
import type { KeyTable } from "./key-table.ts";

const schema = z.object({
  name: prose.optional(),
  description: prose.optional(),
  agents: z.array(reference).optional(),
  process: z.enum(["sequential", "hierarchical"]).default("sequential"),
  cache: z.boolean().default(false),
  planning: z.boolean().default(false),
  planning_llm: reference.optional(),
  manager_llm: reference.optional(),
  manager_agent: reference.optional(),
  max_rpm: positive.optional(),
  step_callback: reference.optional(),
  task_callback: reference.optional(),
  before_kickoff_callbacks: references.default([]),
  after_kickoff_callbacks: references.default([]),
  inputs: z.record(z.string(), z.json()).default({}),
});

const knowledge =
  "knowledge of a crew's own is not kept here. Give its agents the tool search_documents, which searches the owner's documents.";

/** The keys of `crew.yaml`: what CrewAI's crew.py says in Python. */
export const crewKeys: KeyTable<typeof schema.shape> = {
  schema,
  ignored: {
    verbose: "every turn and tool call is always shown with the run.",
    memory: "crews remember nothing from one run to the next.",
    function_calling_llm: "tools are called by the agent's own model.",
    embedder: "embeddings are chosen by the installation's settings.",
    knowledge_sources: knowledge,
    stream: "text is always streamed to those who watch.",
    output_log_file: "what happens is kept as the events of the run.",
    chat_llm: "crews are run with inputs; there is no chat with them.",
    skills: "skills are not read. Put what the agents must know into their backstories.",
    checkpoint: "every turn and tool call is recorded anyway.",
    tracing: "nothing is sent to CrewAI; a run shows its own turns and tool calls.",
    share_crew: "nothing is sent to CrewAI.",
  },
  refused: {
    prompt_file: "other prompts can't be put in. Use the templates of an agent.",
  },
};
