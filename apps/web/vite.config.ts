/// <reference types="node" />
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import type { Plugin } from "vite";

const server = "http://127.0.0.1:8000";

/** Smaller files gain nothing over their headers. */
const minCompressedBytes = 1024;

/** Writes `.br` and `.gz` beside scripts and styles, so that the server never compresses them itself. */
function compressed(): Plugin {
  return {
    name: "compressed-files",
    apply: "build",
    writeBundle({ dir }, bundle) {
      if (dir === undefined) return;
      for (const fileName of Object.keys(bundle)) {
        if (!/\.(?:js|css)$/.test(fileName)) continue;
        const path = join(dir, fileName);
        const content = readFileSync(path);
        if (content.byteLength < minCompressedBytes) continue;
        writeFileSync(
          `${path}.br`,
          brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 10 } }),
        );
        writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }));
      }
    },
  };
}

export default defineConfig({
  plugins: [react(), compressed()],
  build: {
    target: "es2023",
    // Nothing is inlined as a data: URL: the content security policy stays narrow.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
  },
  server: { proxy: { "/api": { target: server, ws: true }, "/ws": { target: server, ws: true } } },
});
