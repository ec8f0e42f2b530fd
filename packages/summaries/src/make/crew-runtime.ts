import { createHash } from "node:crypto";
import { jobRuntime, ToldEvents } from "@millrace/crews";
import type { CrewEvent, CrewRuntime } from "@millrace/crews";
import type { ChatMessage, Models } from "@millrace/models";
import type { FencedScope, JobContext } from "@millrace/queue";
import { recordCharge } from "@millrace/usage";
import { z } from "zod";

/** A run of the summariser as a part of a summary's job. */
export type SummaryRuntime = {
  readonly runtime: CrewRuntime;
  /** What to give to the crew in the place of the text. */
  readonly placeholder: string;
  /** The models that answered so far, also in earlier attempts. */
  readonly models: ReadonlySet<string>;
  readonly prompts: ReadonlySet<string>;
  /** Tells the rest of what was written. */
  readonly close: () => Promise<void>;
};

const amount = z.number().nullable();
// The engine's own event: that it is so is checked here, where it becomes a charge.
const turnSchema = z.object({
  outcome: z.enum(["answered", "failed"]),
  step: z.string(),
  prompt: z.string(),
  model: z.string(),
  input_tokens: amount,
  output_tokens: amount,
  cost: amount,
  cached: z.boolean().default(false),
});

/**
 * Turns are charged in the transaction that records them. The text joins only the calls of models: what is recorded
 * and told of the run has a placeholder for it, so that it is gone when its summary is deleted.
 */
export function crewRuntime(
  context: JobContext<unknown>,
  models: Pick<Models, "turn">,
  text: string,
): SummaryRuntime {
  const told = new ToldEvents(() => context.transaction(async (scope) => tell(scope, told)));
  const answered = { models: new Set<string>(), prompts: new Set<string>() };
  // Who wrote the text can't have known the job's id: the end of the text can't be forged.
  const mark = createHash("sha256").update(context.job.id).digest("hex").slice(0, 18);
  const placeholder = `<text-${mark}/>`;
  const framed = `<text-${mark}>\n${text}\n</text-${mark}>`;
  const given = jobRuntime(context, {
    turn: (request) =>
      models.turn({
        ...request,
        messages: request.messages.map((message) => withText(message, placeholder, framed)),
      }),
    emit: (event) => told.emit(event),
    onText: (piece) => told.text(piece),
    saveFile: () => Promise.reject(new Error("the summariser writes no files")),
    permissions: [],
    record: async (scope, { events }) => {
      // What began before it is told before it.
      tell(scope, told);
      for (const { type, data } of events) scope.emit(type, data);
      for (const turn of events.flatMap(turnOf)) await chargeTurn(scope, context, turn);
    },
  });
  return {
    ...answered,
    placeholder,
    runtime: { ...given, step: noting(given.step, answered) },
    close: () => told.close(),
  };
}

/** Steps that note who answered, also when the answer was recorded by an earlier attempt. */
function noting(
  step: CrewRuntime["step"],
  answered: { readonly models: Set<string>; readonly prompts: Set<string> },
): CrewRuntime["step"] {
  return async (key, run, options) => {
    const value = await step(key, run, options);
    for (const turn of (options?.events?.(value) ?? []).flatMap(turnOf)) {
      if (turn.outcome === "failed") continue;
      answered.models.add(turn.model);
      answered.prompts.add(turn.prompt);
    }
    return value;
  };
}

type Turn = z.infer<typeof turnSchema>;

/** A turn that is to be paid: one that failed and used nothing names no model. */
function turnOf({ type, data }: CrewEvent): Turn[] {
  if (type !== "crew.agent_turn" || data["model"] === undefined) return [];
  return [turnSchema.parse(data)];
}

async function chargeTurn(scope: FencedScope, context: JobContext<unknown>, turn: Turn): Promise<void> {
  const { id: job, owner } = context.job;
  const { step, model, cost, cached, input_tokens: inputTokens, output_tokens: outputTokens } = turn;
  const usage = { inputTokens, outputTokens };
  await recordCharge(scope.transaction, { job, step, owner, model, usage, cost, cached });
}

function tell(scope: FencedScope, told: ToldEvents): void {
  for (const { type, data } of told.take()) scope.emit(type, data);
  scope.afterCommit(() => told.told());
}

function withText(message: ChatMessage, placeholder: string, framed: string): ChatMessage {
  if (message.role !== "user") return message;
  return { ...message, text: message.text.replaceAll(placeholder, () => framed) };
}
