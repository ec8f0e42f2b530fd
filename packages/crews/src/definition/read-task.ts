import { variablesOf } from "../prompts/interpolate.ts";
import { isSafePath } from "../run/output-path.ts";
import type { CrewRegistries, CrewTask } from "./crew.ts";
import { problemAt, readEntry } from "./key-table.ts";
import type { Findings } from "./key-table.ts";
import { Resolver } from "./resolve.ts";
import { taskKeys } from "./task-keys.ts";
import type { YamlFile } from "./yaml-file.ts";

const defaultGuardrailRetries = 3;

/** One task of `tasks.yaml`; undefined when it can't be used, with the reasons in the findings. */
export function readTask(
  file: YamlFile,
  name: string,
  registries: CrewRegistries,
  findings: Findings,
): CrewTask | undefined {
  const keys = readEntry(file, [name], taskKeys, findings);
  if (keys === undefined) return undefined;
  const resolver = new Resolver(registries, { file, path: [name] }, findings);
  const wrong = (key: string, message: string) =>
    findings.problems.push(problemAt(file, [name, key], message));

  const schemas = (["output_json", "output_pydantic", "response_model"] as const).flatMap((key) => {
    const schema = resolver.one("schemas", key, keys[key]);
    return schema === null ? [] : [{ key, schema }];
  });
  const [first, second] = schemas;
  if (second !== undefined) wrong(second.key, `a task has one output schema; it has ${first?.key} already.`);
  if (keys.output_file !== undefined && !isSafePath(withoutVariables(keys.output_file)))
    wrong("output_file", "must be a path inside the folder of the run, without .. and special characters.");
  if (keys.max_retries !== undefined) {
    const message = "is an old name: write guardrail_max_retries, which it is read as.";
    findings.warnings.push(problemAt(file, [name, "max_retries"], message));
  }
  const retries = keys.guardrail_max_retries ?? keys.max_retries ?? defaultGuardrailRetries;
  return {
    name,
    title: keys.name ?? name,
    description: keys.description,
    expectedOutput: keys.expected_output,
    agent: keys.agent ?? null,
    context: keys.context ?? null,
    tools: resolver.tools(keys.tools),
    callbacks: [
      ...resolver.many("callbacks", "callback", [keys.callback]),
      ...resolver.many("callbacks", "callbacks", keys.callbacks),
    ],
    schema: first?.schema ?? null,
    outputFile: keys.output_file ?? null,
    isAsync: keys.async_execution,
    asksPerson: keys.human_input,
    isMarkdown: keys.markdown,
    guardrails: [
      ...[keys.guardrail].map((text) => resolver.guardrail("guardrail", text, retries)),
      ...keys.guardrails.map((text) => resolver.guardrail("guardrails", text, retries)),
    ].filter((guardrail) => guardrail !== null),
    takesTrigger: keys.allow_crewai_trigger_context ?? null,
    toolFailurePolicy: keys.tool_failure_policy ?? null,
    condition: resolver.one("conditions", "condition", keys.condition),
  };
}

/** What a variable becomes is checked when the file is written. */
function withoutVariables(path: string): string {
  return variablesOf(path).reduce((text, name) => text.replaceAll(`{${name}}`, "x"), path);
}
