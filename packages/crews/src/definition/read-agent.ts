import { unknownDateCodes } from "../prompts/format-date.ts";
import { agentKeys } from "./agent-keys.ts";
import type { AgentTemplates, CrewAgent, CrewRegistries } from "./crew.ts";
import { problemAt, readEntry } from "./key-table.ts";
import type { Findings } from "./key-table.ts";
import { Resolver } from "./resolve.ts";
import type { YamlFile } from "./yaml-file.ts";

/** How often an agent thinks over its plan when the file does not say: more seldom improves it. */
const defaultPlanAttempts = 3;

/** One agent of `agents.yaml`; undefined when it can't be used, with the reasons in the findings. */
export function readAgent(
  file: YamlFile,
  name: string,
  registries: CrewRegistries,
  findings: Findings,
): CrewAgent | undefined {
  const keys = readEntry(file, [name], agentKeys, findings);
  if (keys === undefined) return undefined;
  const resolver = new Resolver(registries, { file, path: [name] }, findings);
  const unknownCodes = unknownDateCodes(keys.date_format);
  if (keys.inject_date && unknownCodes.length > 0) {
    const message = `${unknownCodes.join(", ")} can't be written here; use %Y %m %d %H %M %S %A %B and the like.`;
    findings.problems.push(problemAt(file, [name, "date_format"], message));
  }
  return {
    name,
    role: keys.role,
    goal: keys.goal,
    backstory: keys.backstory,
    model: resolver.one("models", "llm", keys.llm)?.value ?? null,
    tools: resolver.tools(keys.tools),
    mayDelegate: keys.allow_delegation,
    maxTurns: keys.max_iter,
    maxRequestsPerMinute: keys.max_rpm ?? null,
    maxSeconds: keys.max_execution_time ?? null,
    retries: keys.max_retry_limit,
    maxOutputTokens: keys.max_tokens ?? null,
    hasCache: keys.cache,
    stepCallbacks: [
      ...resolver.many("callbacks", "step_callback", [keys.step_callback]),
      ...resolver.many("callbacks", "callbacks", keys.callbacks),
    ],
    templates: templatesOf(keys, file, name, findings),
    hasSystemPrompt: keys.use_system_prompt,
    shortensContext: keys.respect_context_window,
    planAttempts: keys.reasoning || keys.planning ? (keys.max_reasoning_attempts ?? defaultPlanAttempts) : 0,
    dateFormat: keys.inject_date ? keys.date_format : null,
    guardrail: resolver.guardrail("guardrail", keys.guardrail, keys.guardrail_max_retries),
    toolFailurePolicy: keys.tool_failure_policy,
  };
}

/** As in CrewAI they have an effect only when the first two are there. */
function templatesOf(
  keys: {
    system_template?: string | undefined;
    prompt_template?: string | undefined;
    response_template?: string | undefined;
  },
  file: YamlFile,
  name: string,
  findings: Findings,
): AgentTemplates | null {
  const { system_template: system, prompt_template: prompt, response_template: response } = keys;
  if (system !== undefined && prompt !== undefined) return { system, prompt, response: response ?? null };
  const lonely = Object.entries({
    system_template: system,
    prompt_template: prompt,
    response_template: response,
  });
  for (const [key] of lonely.filter(([, value]) => value !== undefined)) {
    const message = "has no effect: templates need both system_template and prompt_template.";
    findings.warnings.push(problemAt(file, [name, key], message));
  }
  return null;
}
