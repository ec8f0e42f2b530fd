import { suggestion } from "@millrace/kernel";
import type { Tool } from "../tools/tool.ts";
import type { CrewRegistries, Guardrail, Named } from "./crew.ts";
import type { Findings } from "./key-table.ts";
import { problemAt } from "./key-table.ts";
import type { YamlFile } from "./yaml-file.ts";

const words: Readonly<Record<keyof CrewRegistries, string>> = {
  tools: "tool",
  schemas: "schema",
  callbacks: "callback",
  guardrails: "guardrail",
  conditions: "condition",
  models: "model",
};

/** Finds what the names in one entry mean. Unknown ones are added to the findings, with those that are known. */
export class Resolver {
  readonly #registries: CrewRegistries;
  readonly #file: YamlFile;
  readonly #path: readonly string[];
  readonly #findings: Findings;

  constructor(
    registries: CrewRegistries,
    place: { readonly file: YamlFile; readonly path: readonly string[] },
    findings: Findings,
  ) {
    this.#registries = registries;
    this.#file = place.file;
    this.#path = place.path;
    this.#findings = findings;
  }

  one<Kind extends keyof CrewRegistries>(
    kind: Kind,
    key: string,
    name: string | undefined,
  ): Named<CrewRegistries[Kind][string]> | null {
    if (name === undefined) return null;
    const registry: CrewRegistries[Kind] = this.#registries[kind];
    if (Object.hasOwn(registry, name)) {
      // The check before proves that it is there.
      return { name, value: registry[name] as CrewRegistries[Kind][string] };
    }
    this.#unknown(kind, key, name);
    return null;
  }

  many<Kind extends keyof CrewRegistries>(
    kind: Kind,
    key: string,
    names: readonly (string | undefined)[],
  ): Named<CrewRegistries[Kind][string]>[] {
    return names.flatMap((name) => this.one(kind, key, name) ?? []);
  }

  /** Each once. A model calls tools by their own names, so two of them must not share one. */
  tools(names: readonly string[]): Tool[] {
    const tools = [...new Set(this.many("tools", "tools", names).map((tool) => tool.value))];
    const doubled = tools.find((tool, index) => tools.findIndex((other) => other.name === tool.name) < index);
    if (doubled !== undefined) {
      const message = `two different tools call themselves ${doubled.name}.`;
      this.#findings.problems.push(problemAt(this.#file, [...this.#path, "tools"], message));
    }
    return tools;
  }

  /** A sentence is judged by a model; one word is the name of a function. */
  guardrail(key: string, text: string | undefined, retries: number): Guardrail | null {
    if (text === undefined) return null;
    if (/\s/.test(text)) return { kind: "judged", criteria: text, retries };
    const found = this.one("guardrails", key, text);
    return found === null ? null : { kind: "function", name: found.name, check: found.value, retries };
  }

  #unknown(kind: keyof CrewRegistries, key: string, name: string): void {
    const known = Object.keys(this.#registries[kind]);
    const list = known.length === 0 ? "There are none." : `Known: ${known.join(", ")}.`;
    const hint = kind === "guardrails" ? " A guardrail that a model judges is a sentence." : "";
    const message = `there is no ${words[kind]} ${JSON.stringify(name)}.${suggestion(name, known)} ${list}${hint}`;
    this.#findings.problems.push(problemAt(this.#file, [...this.#path, key], message));
  }
}
