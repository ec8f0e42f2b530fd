import type { FailedUse, ToolCall } from "@millrace/models";

/** A turn as it is recorded. Failures that the engine answers itself are values: a replay must go the same way. */
export type TurnRecord = { readonly ms: number; readonly at: number } & (
  | {
      readonly outcome: "answered";
      readonly text: string;
      readonly toolCalls: readonly ToolCall[];
      readonly model: string;
      readonly inputTokens: number | null;
      readonly outputTokens: number | null;
      readonly cost: number | null;
      readonly cached: boolean;
    }
  | {
      readonly outcome: "failed";
      readonly code: string;
      readonly message: string;
      /** Where the model's server counted tokens all the same. Missing in records of before it was kept. */
      readonly use?: FailedUse;
    }
);
