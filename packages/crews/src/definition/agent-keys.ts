import { z } from "zod";
import { count, positive, prose, reference, references, toolFailurePolicies } from "./key-shapes.ts";
import type { KeyTable } from "./key-table.ts";

const schema = z.object({
  role: prose,
  goal: prose,
  backstory: prose,
  llm: reference.optional(),
  tools: z.array(reference).default([]),
  allow_delegation: z.boolean().default(false),
  max_iter: positive.default(25),
  max_rpm: positive.optional(),
  max_execution_time: z.number().positive().optional(),
  max_retry_limit: count.default(2),
  max_tokens: positive.optional(),
  cache: z.boolean().default(true),
  callbacks: references.default([]),
  step_callback: reference.optional(),
  use_system_prompt: z.boolean().default(true),
  system_template: z.string().optional(),
  prompt_template: z.string().optional(),
  response_template: z.string().optional(),
  respect_context_window: z.boolean().default(true),
  reasoning: z.boolean().default(false),
  planning: z.boolean().default(false),
  max_reasoning_attempts: positive.optional(),
  inject_date: z.boolean().default(false),
  date_format: z.string().min(1).default("%Y-%m-%d"),
  guardrail: prose.optional(),
  guardrail_max_retries: count.default(3),
  tool_failure_policy: z.enum(toolFailurePolicies).default("warn"),
});

const knowledge =
  "knowledge of an agent's own is not kept here. Give it the tool search_documents, which searches the owner's documents.";

/** The keys of one agent in `agents.yaml`. */
export const agentKeys: KeyTable<typeof schema.shape> = {
  schema,
  ignored: {
    verbose: "every turn and tool call is always shown with the run.",
    function_calling_llm: "tools are called by the agent's own model (CrewAI has given this key up too).",
    cache_handler: "results of tools are kept with the run.",
    allow_code_execution: "agents run no code here (CrewAI has given this key up too).",
    code_execution_mode: "agents run no code here (CrewAI has given this key up too).",
    multimodal: "agents read text only (CrewAI has given this key up too).",
    planning_config: "planning has no settings but max_reasoning_attempts.",
    knowledge_sources: knowledge,
    knowledge_storage: knowledge,
    knowledge_config: knowledge,
    embedder: "embeddings are chosen by the installation's settings.",
    agent_knowledge_context: knowledge,
    crew_knowledge_context: knowledge,
    knowledge_search_query: knowledge,
    memory: "agents remember nothing from one run to the next.",
    mcps: "there is no MCP client. Write the tool in TypeScript and name it under tools.",
    apps: "CrewAI's platform is not connected. Write the tool in TypeScript and name it under tools.",
    skills: "skills are not read. Put what the agent must know into its backstory.",
    a2a: "agents of other systems are not called.",
    security_config: "agents have no identity of their own: everything is done for the job's owner.",
    checkpoint: "every turn and tool call is recorded anyway.",
  },
  refused: {
    from_repository:
      "fetches an agent from CrewAI's platform, which is not connected. Write role, goal and backstory here.",
  },
};
