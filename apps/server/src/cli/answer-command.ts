import { jobSchema } from "@millrace/contracts";
import type { WaitingFor } from "@millrace/contracts";
import type { Command } from "commander";
import { invalidArguments } from "./errors.ts";
import { getJob, jobPath, tellJob } from "./job-calls.ts";
import type { ApiClient } from "./server/api-client.ts";

type AnswerOptions = { readonly value?: string; readonly json?: true };

const help = `
Without KEY it is what the job waits for now. VALUE is taken as text where the question asks for text, or for
anything; as JSON otherwise: true, 7, {"amount":7}. With --value it is always JSON.

Exit codes: 0 done; 1 refused; 2 usage; 3 no such job; 4 not let in.`;

/** `jobs answer ID [KEY] VALUE`: what a job waits for. */
export function addAnswerCommand(parent: Command, server: () => Promise<ApiClient>): void {
  parent
    .command("answer <id> [words...]")
    .usage("[options] <id> [key] <value>")
    .description("Answer what a job waits for")
    .option("--value <json>", "the answer as JSON, instead of VALUE")
    .option("--json", "print JSON")
    .addHelpText("after", help)
    .action(async (id: string, words: string[], options: AnswerOptions) => {
      const given = readWords(words, options);
      const client = await server();
      const { waiting_for: asked } = await getJob(client, id);
      const key = given.key ?? asked?.key;
      if (key === undefined)
        throw invalidArguments(`Job ${id} waits for nothing. Say for what the answer is.`);
      const answer =
        "json" in given ? given.json : toAnswer(given.text, asked?.key === key ? asked.schema : null);
      const body = { key, answer };
      tellJob(
        await client.call(`${jobPath(id)}/answer`, jobSchema, { method: "POST", body: JSON.stringify(body) }),
        options,
      );
    });
}

type Given = { readonly key: string | undefined } & ({ readonly text: string } | { readonly json: unknown });

function readWords(words: readonly string[], { value }: AnswerOptions): Given {
  const [first, second, ...more] = words;
  if (more.length > 0) throw invalidArguments("An answer is one word: put it in quotes.");
  if (value !== undefined) {
    if (second !== undefined) throw invalidArguments("Give the answer as VALUE or with --value, not both.");
    const read = readJson(value);
    if (read === undefined) throw invalidArguments(`--value is not JSON: ${value}`);
    return { key: first, json: read.value };
  }
  if (first === undefined) throw invalidArguments("Say what the answer is: millrace jobs answer ID VALUE");
  return second === undefined ? { key: undefined, text: first } : { key: first, text: second };
}

/** As text where text fits, so that nobody has to put quotes in quotes. */
function toAnswer(text: string, schema: WaitingFor["schema"]): unknown {
  const type = schema?.["type"];
  if (schema === null || type === "string" || (Array.isArray(type) && type.includes("string"))) return text;
  return readJson(text)?.value ?? text;
}

function readJson(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}
