import type { AcceptedQuestion, CreateQuestion, Page, Question } from "@millrace/contracts";
import { callApi } from "../api/client.ts";

const questionPath = (id: string) => `/ask/${encodeURIComponent(id)}`;

export function listQuestions(
  options: { limit: number; cursor?: string | undefined },
  signal?: AbortSignal,
): Promise<Page<Question>> {
  return callApi("/ask", { query: options, signal });
}

export function createQuestion(request: CreateQuestion, idempotencyKey: string): Promise<AcceptedQuestion> {
  return callApi("/ask", { method: "POST", json: request, idempotencyKey });
}

export function cancelQuestion(id: string): Promise<AcceptedQuestion> {
  return callApi(`${questionPath(id)}/cancel`, { method: "POST" });
}

export function deleteQuestion(id: string): Promise<void> {
  return callApi(questionPath(id), { method: "DELETE" });
}
