import { fileURLToPath } from "node:url";
import { loadCrews, runCrew } from "@millrace/crews";
import type { Crew } from "@millrace/crews";
import { fillPrompt, readPrompts, roomOf } from "@millrace/models";
import type { Models, Prompt, TextRoom } from "@millrace/models";
import { askStep } from "./ask-step.ts";
import type { Answer } from "./ask-step.ts";
import { condense } from "./condense.ts";
import type { Condensed } from "./condense.ts";
import { crewRuntime } from "./crew-runtime.ts";
import type { Maker, MakeRequest } from "./maker.ts";

/** The crew's files are CrewAI's, as anybody's. */
const crewFolder = fileURLToPath(new URL("../crew/", import.meta.url));
const promptFolder = new URL("../prompts/", import.meta.url);

const condensedNote =
  " The text consists of summaries of the consecutive parts of one long text: write one summary of the whole, and do not mention the parts.";

type Loaded = { readonly crew: Crew; readonly stretch: Prompt };
let loaded: Promise<Loaded> | undefined;

/** A summary written by the crew of one summariser. A long text is summarised stretch by stretch first. */
export async function crewMaker(models: Models): Promise<Maker> {
  const { crew, stretch } = await (loaded ??= load());
  const { name: model } = models.chatFor("crew.agent");
  return {
    recipe: `${model} ${crew.name}:${crew.fingerprint.slice(0, 16)} ${stretch.id}`,
    make: (request) => make(models, { crew, stretch }, request),
  };
}

async function load(): Promise<Loaded> {
  const none = { tools: {}, schemas: {}, callbacks: {}, guardrails: {}, conditions: {}, models: {} };
  const { crews, broken } = await loadCrews(crewFolder, none);
  const [crew] = crews;
  const stretch = readPrompts(promptFolder).get("summary.stretch");
  if (crew === undefined) throw broken[0]?.error ?? new Error("the summariser's files are missing");
  if (stretch === undefined) throw new Error("there is no prompt summary.stretch");
  return { crew, stretch };
}

async function make(
  models: Models,
  { crew, stretch }: Loaded,
  request: MakeRequest,
): ReturnType<Maker["make"]> {
  const { context, language, textLanguage } = request;
  const answers: Answer[] = [];
  const condensed = await condenseText(models, stretch, request, answers);
  context.progress({ percent: 75, stage: "ai_analysis", message: "Writing the summary" });
  const runtime = crewRuntime(context, models, condensed.text);
  try {
    const inputs = {
      text: runtime.placeholder,
      language: nameOf(language ?? textLanguage),
      note: condensed.isCondensed ? condensedNote : "",
    };
    const { raw, usage } = await runCrew(crew, inputs, runtime.runtime);
    const all = (amount: (answer: Answer) => number | null, own: number | null) =>
      answers.map(amount).reduce(addKnown, own);
    return {
      result: raw.trim(),
      model: [...new Set([...answers.map((answer) => answer.model), ...runtime.models])].join(", "),
      extractive: false,
      coverage: condensed.coverage,
      prompts: [
        ...new Set([...answers.flatMap(({ prompt }) => prompt ?? []), ...runtime.prompts]),
        `${crew.name}@${crew.fingerprint.slice(0, 16)}`,
      ],
      input_tokens: all((answer) => answer.inputTokens, usage.input_tokens),
      output_tokens: all((answer) => answer.outputTokens, usage.output_tokens),
      cost: all((answer) => answer.cost, usage.cost),
    };
  } finally {
    await runtime.close();
  }
}

function condenseText(
  models: Models,
  prompt: Prompt,
  request: MakeRequest,
  answers: Answer[],
): Promise<Condensed> {
  const { context, text, language, textLanguage } = request;
  return condense(text, smallerRoom(roomOf(models.chatFor("crew.agent")), models), {
    summarise: async (stretch, hash, signal) => {
      const answer = await askStep(models, request, {
        key: `stretch/${hash}`,
        purpose: "summary.stretch",
        text: stretch,
        instructions: fillPrompt(prompt, { language: nameOf(language ?? textLanguage) }),
        prompt: prompt.id,
        signal,
      });
      answers.push(answer);
      return answer;
    },
    signal: context.signal,
    onProgress: (done, total) =>
      context.progress({
        percent: 10 + (done / total) * 60,
        stage: "ai_analysis",
        done,
        total,
        unit: "stretches",
        message: `Read stretch ${done} of ${total}`,
      }),
  });
}

/** Stretches may go to another model than the crew: they have to fit both. */
function smallerRoom(crew: TextRoom, models: Models): TextRoom {
  const own = roomOf(models.chatFor("summary.stretch"));
  return own.stretch.maxTokens < crew.stretch.maxTokens ? { ...crew, stretch: own.stretch } : crew;
}

function addKnown(sum: number | null, amount: number | null): number | null {
  return sum === null || amount === null ? null : sum + amount;
}

function nameOf(language: string | null): string {
  if (language === null) return "the language of the text";
  return new Intl.DisplayNames(["en"], { type: "language" }).of(language) ?? language;
}
