import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";

export const repository = join(import.meta.dirname, "../../../..");
export const deployFolder = join(repository, "deploy");

/** The image that the Dockerfile builds; every other one is somebody else's. */
const ownImage = "millrace:local";

const scalar = z.union([z.string(), z.number(), z.boolean()]).transform(String);

const serviceSchema = z.looseObject({
  image: z.string(),
  command: z.array(z.string()).default([]),
  environment: z.record(z.string(), scalar).default({}),
  ports: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  restart: z.string(),
  stop_grace_period: z
    .string()
    .regex(/^\d+s$/)
    .optional(),
  mem_limit: z.string(),
  healthcheck: z
    .looseObject({ test: z.array(z.string()).optional(), disable: z.boolean().optional() })
    .optional(),
  depends_on: z.record(z.string(), z.strictObject({ condition: z.string() })).default({}),
  models: z
    .record(z.string(), z.strictObject({ endpoint_var: z.string(), model_var: z.string() }))
    .default({}),
});

const composeSchema = z.looseObject({
  services: z.record(z.string(), serviceSchema),
  models: z.record(z.string(), z.looseObject({ model: z.string() })),
  volumes: z.record(z.string(), z.null()),
});

export type ComposeService = z.output<typeof serviceSchema>;
export type Compose = z.output<typeof composeSchema>;

export const composeText = readFileSync(join(deployFolder, "compose.yaml"), "utf8");

/** deploy/compose.yaml, with its variables filled in where they are given. */
export function readCompose(variables?: Readonly<Record<string, string>>): Compose {
  const text = variables === undefined ? composeText : interpolate(composeText, variables);
  return composeSchema.parse(parse(text, { merge: true }));
}

/** The services that run our own program, by name. */
export function ownServices(compose: Compose): [name: string, service: ComposeService][] {
  return Object.entries(compose.services).filter(([, service]) => service.image === ownImage);
}

/** The variables that the file asks for, with what follows their name: `:?` or `:-` and a default. */
export function variablesOf(text: string): { readonly name: string; readonly rest: string }[] {
  return [...text.matchAll(/\$\{(\w+)([^}]*)\}/g)].map(([, name = "", rest = ""]) => ({ name, rest }));
}

/** As Compose does it: an empty value counts as none. Throws for one that must be there and is not. */
function interpolate(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replaceAll(
    /\$\{(\w+)(?::([?-])([^}]*))?\}/g,
    (_whole, name: string, mark?: string, word = "") => {
      const given = variables[name] ?? "";
      if (given !== "") return given;
      if (mark === "-") return String(word);
      throw new Error(`required variable ${name} is missing a value`);
    },
  );
}
