import { z } from "zod";
import { crewErrors } from "../errors.ts";
import { isDelegation } from "./delegation-names.ts";

/** For whom and for what a tool is run. None of it comes from the model. */
export type ToolScope = {
  /** Whose documents and whose money; null: the installation's own. */
  readonly owner: string | null;
  readonly job: string;
};

export type ToolContext = ToolScope & {
  /** The durable step that the call is: a key that stays the same when the call is made again. */
  readonly step: string;
  /** Aborts when the run is cancelled or the agent's time is over. Tools must heed it. */
  readonly signal: AbortSignal;
};

/** What one call of a model used. Null: its server did not say, or its price is not known. */
export type ModelUse = {
  readonly model: string;
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  /** In US dollars. */
  readonly cost: number | null;
};

export type ToolCallContext = ToolContext & {
  /**
   * Tells of a call of a model that the tool has made. It is charged to the job and counted for the run with the record
   * of the tool's call, once, also when the tool fails afterwards. Later than the tool's end it has no effect.
   */
  readonly noteUse: (use: ModelUse) => void;
};

/** What an agent can do besides writing. */
export type Tool = {
  /** What the model calls it by, and what YAML names: letters, digits, `_` and `-`, at most 64. */
  readonly name: string;
  /** For the model: what it does and when it helps. */
  readonly description: string;
  /** JSON Schema of its input, as models are shown it. */
  readonly inputSchema: Readonly<Record<string, unknown>>;
  /** What a run must be allowed for it, such as `documents:read`. */
  readonly permissions: readonly string[];
  /** US dollars a call, added to the cost of the run. */
  readonly cost: number;
  /** An output with more characters is cut, and says so. */
  readonly maxOutputCharacters: number;
  /** A call that takes longer has failed. */
  readonly timeoutMs: number;
  /** Whether equal input gives an equal result for the length of a task, where agent and crew have `cache`. */
  readonly cacheable: boolean;
  /** Reads the model's input; what is wrong with it is for the model. */
  readonly accept: (input: unknown) => AcceptedInput;
};

export type AcceptedInput =
  | { readonly ok: true; readonly run: (context: ToolCallContext) => Promise<unknown> }
  | { readonly ok: false; readonly problem: string };

export type ToolOptions<Input> = {
  readonly name: string;
  readonly description: string;
  /** An object; the descriptions of its fields are shown to the model. */
  readonly input: z.ZodType<Input>;
  /** Default: none. */
  readonly permissions?: readonly string[];
  /** US dollars a call. Default 0. */
  readonly cost?: number;
  /** Default 20,000: about 5,000 tokens, which still leaves room for several results in a small context. */
  readonly maxOutputCharacters?: number;
  /** Default 60,000. */
  readonly timeoutMs?: number;
  /** Default true. False for tools that change something or whose answer changes from call to call. */
  readonly cacheable?: boolean;
  /** Text is given to the model as it is, anything else as JSON. What it throws is told to the model too. */
  readonly run: (input: Input, context: ToolCallContext) => Promise<unknown>;
};

/** Declares a tool. Throws `invalid_tool` when no model could be shown it. */
export function defineTool<Input>(options: ToolOptions<Input>): Tool {
  const { name, input, run } = options;
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(name))
    throw crewErrors.invalidTool(
      `A tool can't be called ${JSON.stringify(name)}: use letters, digits, _ and -, at most 64.`,
    );
  if (isDelegation(name))
    throw crewErrors.invalidTool(`${name} is the name of what agents hand work on with.`);
  return {
    name,
    description: options.description,
    inputSchema: objectSchema(name, input),
    permissions: options.permissions ?? [],
    cost: options.cost ?? 0,
    maxOutputCharacters: options.maxOutputCharacters ?? 20_000,
    timeoutMs: options.timeoutMs ?? 60_000,
    cacheable: options.cacheable ?? true,
    accept: (given) => {
      const read = input.safeParse(given);
      if (read.success) return { ok: true, run: async (context) => run(read.data, context) };
      return { ok: false, problem: describeIssues(read.error) };
    },
  };
}

/** What is wrong with a value, in words that a model understands; at most five of them. */
export function describeIssues(error: z.ZodError): string {
  return error.issues
    .slice(0, 5)
    .map((issue) => `${issue.path.join(".") || "the input"}: ${issue.message}`)
    .join("; ");
}

function objectSchema(name: string, input: z.ZodType): Readonly<Record<string, unknown>> {
  const schema = z.toJSONSchema(input, { io: "input", unrepresentable: "any" });
  if (schema.type !== "object")
    throw crewErrors.invalidTool(`The input of the tool ${name} must be an object: use z.object({ … }).`);
  return schema;
}
