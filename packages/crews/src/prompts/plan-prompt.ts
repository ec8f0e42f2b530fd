import type { Crew, CrewTask } from "../definition/crew.ts";

/** Asks an agent for a plan before it begins. */
export function planPrompt(task: string): string {
  return `${task}\n\nDo not do the task yet. Write a short plan first: how you understand the task, the steps you will take, which of your tools you will use for what, and what could go wrong. End with READY when you could begin, or with NOT READY and what is missing.`;
}

export function withPlan(task: string, plan: string): string {
  return `${task}\n\nPlan:\n${plan}`;
}

/** What the planner is told of the crew. */
export function plannerPrompt(crew: Crew): string {
  const tasks = crew.tasks.map((task, index) => describeTask(crew, task, index + 1));
  return `Write a plan for each of these ${crew.tasks.length} tasks. Name each task as it is named here.\n\n${tasks.join("\n\n")}`;
}

function describeTask(crew: Crew, task: CrewTask, number: number): string {
  const agent = crew.agents.find((one) => one.name === task.agent);
  const tools = task.tools.length > 0 ? task.tools : (agent?.tools ?? []);
  return [
    `Task ${number}: ${task.name}`,
    `Description: ${task.description}`,
    `Expected output: ${task.expectedOutput}`,
    `Agent: ${agent === undefined ? "chosen by the manager" : `${agent.role}, whose goal is: ${agent.goal}`}`,
    `Tools: ${tools.length === 0 ? "none" : tools.map((tool) => `${tool.name} (${tool.description})`).join(", ")}`,
  ].join("\n");
}
