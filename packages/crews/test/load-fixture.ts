import { join } from "node:path";
import { loadCrews } from "../src/index.ts";
import type { Crew, CrewRegistries } from "../src/index.ts";
import { registries } from "./registries.ts";

/** A crew of `fixtures`, with other tools where they are given. */
export async function loadFixture(name: string, tools: CrewRegistries["tools"] = {}): Promise<Crew> {
  const { crews } = await loadCrews(join(import.meta.dirname, "fixtures"), {
    ...registries,
    tools: { ...registries.tools, ...tools },
  });
  const crew = crews.find((one) => one.name === name);
  if (crew === undefined) throw new Error(`There is no usable crew ${name} in fixtures.`);
  return crew;
}
