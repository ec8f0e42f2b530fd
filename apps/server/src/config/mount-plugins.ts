import { toError } from "@millrace/kernel";
import type { FastifyInstance, FastifyPluginAsync } from "fastify";
import type { PluginParts } from "./config.ts";
import { invalidConfig } from "./config-errors.ts";
import type { Program } from "./load-program.ts";

/**
 * Mounts the plugins of a program after the product's own routes, in their order. Each gets the parts among
 * its options, under the same guards as every route: without `config: { access: "public" }` a route needs
 * access. Throws `invalid_config` when one can't be mounted, as with a path that is taken.
 */
export async function mountPlugins(
  app: FastifyInstance,
  program: Program,
  parts: PluginParts,
): Promise<void> {
  for (const [index, given] of (program.config.plugins ?? []).entries()) {
    const { plugin, options } = typeof given === "function" ? { plugin: given, options: {} } : given;
    try {
      // Which options it wants was said where it was written; these are what the configuration gives it.
      await app.register(plugin as FastifyPluginAsync<PluginParts>, { ...parts, ...options });
    } catch (thrown) {
      const cause = toError(thrown);
      const file = program.configName ?? "";
      throw invalidConfig([
        { file, path: `plugins[${index}]`, message: `can't be mounted: ${cause.message}`, cause },
      ]);
    }
  }
}
