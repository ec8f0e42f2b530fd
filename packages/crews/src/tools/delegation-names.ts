/** Hands a task on to a coworker. CrewAI's "Delegate work to coworker", as models can call it. */
export const delegateWork = "delegate_work_to_coworker";

/** Asks a coworker. CrewAI's "Ask question to coworker". */
export const askQuestion = "ask_question_to_coworker";

export function isDelegation(name: string): boolean {
  return name === delegateWork || name === askQuestion;
}
