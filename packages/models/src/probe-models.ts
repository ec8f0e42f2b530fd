import { errorCode, toError } from "@millrace/kernel";
import { z } from "zod";
import type { StructuredOutput } from "./chat-model.ts";
import { addKnown } from "./guard/call-tokens.ts";
import type { EndpointState } from "./guard/endpoint.ts";
import type { Models } from "./models.ts";

/** What one model did when it was tried. */
export type ProbeReport = {
  readonly name: string;
  readonly kind: "chat" | "embedding";
  readonly builtIn: boolean;
  /** Whether it does the least that it is for: answer, or give a vector. */
  readonly works: boolean;
  readonly error: { readonly code: string; readonly message: string } | null;
  /** Until the first piece of a streamed answer. */
  readonly firstPieceMs: number | null;
  readonly answerMs: number | null;
  /** The form in which it gave an object; null when it gave none, or was not asked. */
  readonly structuredOutput: StructuredOutput["kind"] | null;
  /** Whether it called the tool that it was told to call; null when it was not asked. */
  readonly callsTools: boolean | null;
  readonly countsTokensOfStreams: boolean | null;
  readonly contextTokens: number | null;
  readonly dimensions: number | null;
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  /** In US dollars, of all calls of this test; null when the price is not known. */
  readonly cost: number | null;
};

const purpose = "models.test";
const text =
  "The old bridge over the harbour is closed since Monday, because engineers found rust in its cables. A ferry carries people across until the repair is finished.";
// Models that think aloud need room before they answer.
const maxOutputTokens = 500;

/** Tries every model with three tiny calls at most: an answer, an object, a tool. Throws only when the signal aborts. */
export async function probeModels(models: Models, signal: AbortSignal): Promise<ProbeReport[]> {
  const reports: ProbeReport[] = [];
  for (const endpoint of models.endpoints()) {
    const report =
      endpoint.kind === "embedding"
        ? await probeEmbedding(models, endpoint, signal)
        : await probeChat(models, endpoint, signal);
    signal.throwIfAborted();
    reports.push(report);
  }
  return reports;
}

function untried({ name, kind, builtIn, contextTokens }: EndpointState): ProbeReport {
  return {
    ...{ name, kind, builtIn, contextTokens, works: false, error: null, firstPieceMs: null, answerMs: null },
    ...{ structuredOutput: null, callsTools: null, countsTokensOfStreams: null, dimensions: null },
    ...{ inputTokens: 0, outputTokens: 0, cost: 0 },
  };
}

async function probeEmbedding(
  models: Models,
  endpoint: EndpointState,
  signal: AbortSignal,
): Promise<ProbeReport> {
  const startedMs = performance.now();
  try {
    const { dimensions, usage, cost } = await models.embed({ texts: [text], purpose, signal });
    const answerMs = Math.round(performance.now() - startedMs);
    return { ...untried(endpoint), works: true, answerMs, dimensions, ...usage, outputTokens: null, cost };
  } catch (error) {
    return { ...untried(endpoint), error: described(error) };
  }
}

async function probeChat(models: Models, endpoint: EndpointState, signal: AbortSignal): Promise<ProbeReport> {
  const { name, builtIn } = endpoint;
  const request = { purpose, model: name, answers: "fresh" as const, maxOutputTokens, signal, text };
  let report = untried(endpoint);
  try {
    const startedMs = performance.now();
    let firstPieceMs: number | null = null;
    const answer = await models.generateText({
      ...request,
      instructions: "Say in one short sentence what the text is about.",
      builtInOperation: "summary",
      onText: () => (firstPieceMs ??= Math.round(performance.now() - startedMs)),
    });
    report = { ...paid(report, answer), works: true, firstPieceMs, answerMs: answer.latencyMs };
  } catch (error) {
    return { ...report, error: described(error) };
  }
  if (builtIn) return report;
  report = await probeObject(models, report, request);
  report = await probeTools(models, report, request);
  const { countsTokensOfStreams } = models.endpoints().find((each) => each.name === name) ?? endpoint;
  return { ...report, countsTokensOfStreams };
}

type Request = {
  readonly purpose: string;
  readonly model: string;
  readonly answers: "fresh";
  readonly maxOutputTokens: number;
  readonly signal: AbortSignal;
  readonly text: string;
};

async function probeObject(models: Models, report: ProbeReport, request: Request): Promise<ProbeReport> {
  try {
    const answer = await models.generateObject({
      ...request,
      instructions: "Give the topic of the text in one word, and whether something is closed.",
      schema: z.object({ topic: z.string(), is_closed: z.boolean() }),
      schemaName: "topic",
    });
    const state = models.endpoints().find(({ name }) => name === request.model);
    return { ...paid(report, answer), structuredOutput: state?.structuredOutput ?? null };
  } catch (error) {
    return { ...report, error: described(error) };
  }
}

async function probeTools(models: Models, report: ProbeReport, request: Request): Promise<ProbeReport> {
  const { model, signal } = request;
  try {
    const turn = await models.turn({
      ...{ purpose, origin: { owner: null }, model, maxOutputTokens, signal },
      instructions: "Use the tool to find out, and do not answer before.",
      messages: [{ role: "user", text: "How warm is it in Lisbon?" }],
      tools: [
        {
          name: "get_temperature",
          description: "Gives the temperature of a city in degrees Celsius.",
          inputSchema: {
            type: "object",
            properties: { city: { type: "string" } },
            required: ["city"],
            additionalProperties: false,
          },
        },
      ],
      toolChoice: "required",
    });
    return { ...paid(report, turn), callsTools: turn.toolCalls.length > 0 };
  } catch (error) {
    // Servers without tools refuse them: that is an answer, and the first failure is what counts.
    return { ...report, callsTools: false, error: report.error ?? described(error) };
  }
}

type Paid = {
  readonly usage: { readonly inputTokens: number | null; readonly outputTokens: number | null };
  readonly cost: number | null;
};

function paid(report: ProbeReport, { usage, cost }: Paid): ProbeReport {
  return {
    ...report,
    inputTokens: addKnown(report.inputTokens, usage.inputTokens),
    outputTokens: addKnown(report.outputTokens, usage.outputTokens),
    cost: addKnown(report.cost, cost),
  };
}

function described(error: unknown): { readonly code: string; readonly message: string } {
  return { code: errorCode(error), message: toError(error).message };
}
