export const fiveTasks = ["a", "b", "c", "d", "e"] as const;

function task(name: string): string {
  const file = name === "e" ? "  output_file: out/{topic}.md\n" : "";
  return `${name}:\n  description: Do ${name} about {topic}.\n  expected_output: What ${name} came to.\n  agent: writer\n${file}`;
}

const writer = (tools: string): string =>
  `writer:\n  role: Writer\n  goal: Write well\n  backstory: You write.\n  tools: ${tools}\n`;

/** A working folder with crews: one of five tasks, one that asks a person, one with a tool that is misspelt. */
export const crewsProgram: Readonly<Record<string, string>> = {
  "millrace.config.ts": `import { defineConfig, defineTool, z } from "millrace";

const shout = defineTool({
  name: "shout",
  description: "Says it loudly.",
  input: z.object({ text: z.string() }),
  run: async ({ text }) => text.toUpperCase(),
});
export default defineConfig({ tools: { shout } });
`,
  "crews/five/agents.yaml": writer("[calculator, shout]"),
  "crews/five/tasks.yaml": fiveTasks.map(task).join(""),
  // Has no effect here, and the crew says so.
  "crews/asking/agents.yaml": `${writer("[]")}  allow_code_execution: true\n`,
  "crews/asking/tasks.yaml":
    "draft:\n  description: Write a draft.\n  expected_output: A draft.\n  agent: writer\n  human_input: true\n",
  "crews/broken/agents.yaml": writer("[shoot]"),
  "crews/broken/tasks.yaml": task("a"),
};
