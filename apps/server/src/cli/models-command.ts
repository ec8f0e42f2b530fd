import { silentLogger } from "@millrace/kernel";
import type { ProbeReport } from "@millrace/models";
import type { Command } from "commander";
import type { CommandHost } from "./command-host.ts";
import { exitCodes } from "./exit-codes.ts";
import { listenForStop } from "./processing/stop-signals.ts";
import type { CommandEnvironment } from "./settings.ts";
import { printableLine } from "./terminal/printable.ts";
import { writeTable } from "./terminal/table.ts";
import { writeJson } from "./write-json.ts";

const testHelp = `
Makes at most three tiny calls to each model that the settings and millrace.config.ts name, those of
CHAT_FALLBACK too, and says what works, how fast it is and what the calls cost. They count in no budget.

Exit codes: 0 a chat model works; 1 none does; 2 settings that can't be used; 130 interrupted.`;

const howToConnect =
  "Only the built-in models are set up here: they take sentences out of a text and write none, and crews need more. " +
  "Set CHAT_URL and CHAT_MODEL, or a key such as GEMINI_API_KEY, in the environment or in .env.";

/** `millrace models test`: tries the models from here, with or without a server. */
export function addModelsCommand(program: Command, host: CommandHost): void {
  const models = program.command("models").description("The models that are set up");
  models
    .command("test")
    .description("Try each model: does it answer, how fast, what can it do, what does it cost")
    .option("--json", "print a JSON array")
    .addHelpText("after", testHelp)
    .action(async (options: { readonly json?: true }) => {
      const reports = await testModels(host.environment());
      if (options.json) writeJson(reports.map(toJson));
      else writeReports(reports);
      if (reports.every(({ builtIn }) => builtIn)) process.stderr.write(`${howToConnect}\n`);
      const isWell = reports.some(({ kind, works }) => kind === "chat" && works);
      host.finish(isWell ? exitCodes.ok : exitCodes.failed);
    });
}

async function testModels(environment: CommandEnvironment): Promise<ProbeReport[]> {
  const settings = await environment.settings();
  const { createModels, probeModels } = await import("@millrace/models");
  const { loadProgram } = await import("../config/load-program.ts");
  const { config } = await loadProgram(process.cwd());
  const limitedModels = [...(settings.MODEL_LIMITS?.keys() ?? [])];
  const models = createModels({ settings, logger: silentLogger, own: config.models, limitedModels });
  const stop = listenForStop();
  try {
    for (const notice of models.notices) process.stderr.write(`${printableLine(notice)}\n`);
    return await probeModels(models, stop.signal);
  } finally {
    stop.close();
    await models.stop();
  }
}

function toJson(report: ProbeReport): Record<string, unknown> {
  return {
    name: report.name,
    kind: report.kind,
    built_in: report.builtIn,
    works: report.works,
    error: report.error,
    first_piece_ms: report.firstPieceMs,
    answer_ms: report.answerMs,
    structured_output: report.structuredOutput,
    calls_tools: report.callsTools,
    counts_tokens_of_streams: report.countsTokensOfStreams,
    context_tokens: report.contextTokens,
    dimensions: report.dimensions,
    input_tokens: report.inputTokens,
    output_tokens: report.outputTokens,
    cost_usd: report.cost,
  };
}

function writeReports(reports: readonly ProbeReport[]): void {
  writeTable(
    process.stdout,
    [
      { title: "Model", value: ({ name }) => name },
      { title: "For", value: ({ kind }) => kind },
      { title: "Works", value: ({ works }) => (works ? "yes" : "no") },
      { title: "First piece", value: ({ firstPieceMs }) => inMs(firstPieceMs) },
      { title: "Answer", value: ({ answerMs }) => inMs(answerMs) },
      { title: "Objects", value: objects },
      { title: "Tools", value: ({ callsTools }) => yesOrNo(callsTools) },
      { title: "Tokens in, out", value: tokens },
      { title: "Cost", value: cost },
      { title: "Reads", value: reads, isFlexible: true },
    ],
    reports,
  );
  for (const { name, error } of reports) {
    if (error !== null)
      process.stderr.write(`${printableLine(`${name}: ${error.message} (${error.code})`)}\n`);
  }
}

function inMs(duration: number | null): string {
  return duration === null ? "-" : `${duration} ms`;
}

function yesOrNo(value: boolean | null): string {
  if (value === null) return "-";
  return value ? "yes" : "no";
}

const objectForms = { schema: "by schema", json: "as JSON", prompt: "when asked in words" } as const;

function objects({ kind, builtIn, works, structuredOutput }: ProbeReport): string {
  if (structuredOutput !== null) return objectForms[structuredOutput];
  return kind === "embedding" || builtIn || !works ? "-" : "no";
}

function tokens({ inputTokens, outputTokens, works, builtIn }: ProbeReport): string {
  return works && !builtIn ? `${inputTokens ?? "?"}, ${outputTokens ?? "?"}` : "-";
}

function cost({ works, cost: dollars }: ProbeReport): string {
  if (!works) return "-";
  if (dollars === null) return "unknown";
  return dollars === 0 ? "nothing" : `$${dollars.toFixed(6)}`;
}

function reads({ kind, works, contextTokens, dimensions }: ProbeReport): string {
  if (kind === "embedding") return works ? `${dimensions ?? "?"} numbers a vector` : "-";
  return contextTokens === null ? "any length" : `${contextTokens} tokens`;
}
