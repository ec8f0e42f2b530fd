import type { LanguageModelV4CallOptions, LanguageModelV4Prompt } from "@ai-sdk/provider";
import type { ChatMessage, ToolDefinition, TurnRequest } from "../turn.ts";

/** Instructions and a conversation as a provider takes them. Instructions come first: servers cache what stays the same. */
export function toModelPrompt(instructions: string, messages: readonly ChatMessage[]): LanguageModelV4Prompt {
  return [{ role: "system", content: instructions }, ...messages.map(toModelMessage)];
}

function toModelMessage(message: ChatMessage): LanguageModelV4Prompt[number] {
  switch (message.role) {
    case "user":
      return { role: "user", content: [{ type: "text", text: message.text }] };
    case "assistant":
      return {
        role: "assistant",
        content: [
          // Servers refuse an empty text beside tool calls.
          ...(message.text === "" ? [] : [{ type: "text" as const, text: message.text }]),
          ...(message.toolCalls ?? []).map(({ id, name, input }) => ({
            type: "tool-call" as const,
            toolCallId: id,
            toolName: name,
            input,
          })),
        ],
      };
    case "tool":
      return {
        role: "tool",
        content: message.results.map(({ callId, name, output, isError }) => ({
          type: "tool-result" as const,
          toolCallId: callId,
          toolName: name,
          output: { type: isError === true ? ("error-text" as const) : ("text" as const), value: output },
        })),
      };
  }
}

/** Tools to show to the model, and whether it may call them. */
export function toModelTools(
  tools: readonly ToolDefinition[] | undefined,
  choice: TurnRequest["toolChoice"],
): Pick<LanguageModelV4CallOptions, "tools" | "toolChoice"> {
  if (tools === undefined || tools.length === 0) return {};
  return {
    tools: tools.map(({ name, description, inputSchema }) => ({
      type: "function",
      name,
      description,
      inputSchema,
    })),
    toolChoice: { type: choice ?? "auto" },
  };
}
