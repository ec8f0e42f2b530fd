import { parseSettings, silentLogger } from "@millrace/kernel";
import type { Clock, Logger } from "@millrace/kernel";
import { createModels, modelSettingsSchema } from "@millrace/models";
import type { ModelPorts, Models, OwnModels } from "@millrace/models";
import { onTestFinished } from "vitest";

/** Models of one chat server, stopped when the test ends. Short deadlines, so that what hangs ends soon. */
export function modelsOf(
  url: string,
  more: {
    readonly environment?: Record<string, string>;
    readonly ports?: ModelPorts;
    readonly own?: OwnModels;
    readonly logger?: Logger;
    readonly clock?: Clock;
  } = {},
): Models {
  const settings = parseSettings(modelSettingsSchema, {
    CHAT_URL: url,
    CHAT_MODEL: "small",
    EMBEDDING_URL: url,
    EMBEDDING_MODEL: "vectors",
    MODEL_TIMEOUT_MS: "20000",
    ...more.environment,
  });
  const { ports, own, clock, logger = silentLogger } = more;
  const models = createModels({
    settings,
    logger,
    own: { prices: { small: { input: 1000, output: 1000, cached_input: 100 } }, ...own },
    ports,
    ...(clock === undefined ? {} : { clock }),
  });
  onTestFinished(() => models.stop());
  return models;
}

/** A clock that a test moves. */
export function movableClock(): { readonly clock: Clock; readonly pass: (ms: number) => void } {
  let nowMs = 0;
  const clock: Clock = { now: () => new Date(nowMs), monotonicMs: () => nowMs };
  return { clock, pass: (ms) => void (nowMs += ms) };
}
