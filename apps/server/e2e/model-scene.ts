import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { startFakeModelServer, startMillrace } from "@millrace/testing";
import type { FakeModelServer, RunningMillrace } from "@millrace/testing";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll } from "vitest";
import { openBrowser } from "./browser.ts";

export type ModelScene = { browser: Browser; models: FakeModelServer; server: RunningMillrace };

/**
 * A browser, and a server that asks a fake model, from before the first to after the last test of a file. The
 * files, by their path, lie in the server's folder when it starts.
 */
export function useModelScene(files: Readonly<Record<string, string>> = {}): ModelScene {
  const scene = {} as ModelScene;
  let folder: string | undefined;
  beforeAll(async () => {
    scene.browser = await openBrowser();
    folder = await mkdtemp(join(tmpdir(), "millrace-e2e-"));
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text);
    }
    scene.models = await startFakeModelServer({ port: 0 });
    scene.server = await startMillrace({
      dataDirectory: folder,
      environment: { CHAT_URL: scene.models.url, CHAT_MODEL: "fake" },
    });
  });
  afterAll(async () => {
    await scene.browser?.close();
    await scene.server?.stop();
    await scene.models?.stop();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  });
  return scene;
}
