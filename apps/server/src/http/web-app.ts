import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import fastifyStatic from "@fastify/static";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { contentSecurityPolicy, newNonce } from "./security-headers.ts";

/** Vite writes a hash of the content into these names, so they never change. */
const hashedName = /-[\w-]{8}\.\w+$/;

const immutable = "public, max-age=31536000, immutable";

const noncePlace = /(<meta\s+name="csp-nonce"\s+content=")"/;

const missingPage = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="csp-nonce" content=""><title>Millrace</title></head>
<body><h1>Millrace is running</h1>
<p>The API is ready, but the browser app has not been built. Run <code>npm run build</code> in the Millrace folder, then start again.</p>
<p>Without it everything works over <a href="/openapi.json">the API</a> and the command line.</p></body></html>`;

/** The page of the browser app. */
export type WebApp = {
  /** Sends the page with a fresh nonce, never cached. Any path of the app shows it. */
  readonly sendPage: (reply: FastifyReply) => Promise<FastifyReply>;
  /** Whether a browser asks for a page of the app's own router, rather than for a file or the API. */
  readonly wantsPage: (request: FastifyRequest) => boolean;
};

/**
 * Serves the built browser app from `directory`. The page is read again when a build has changed it,
 * since it names the files of that build. Without a build a plain page says how to make one.
 */
export async function addWebApp(app: FastifyInstance, directory: string): Promise<WebApp> {
  const readPage = createPageReader(directory);
  const index = await readPage();

  const sendPage = async (reply: FastifyReply): Promise<FastifyReply> => {
    const nonce = newNonce();
    const page = await readPage();
    return reply
      .code(page === undefined ? 503 : 200)
      .header("content-type", "text/html; charset=utf-8")
      .header("content-security-policy", contentSecurityPolicy(nonce))
      .header("cache-control", "no-cache")
      .send((page ?? missingPage).replace(noncePlace, `$1${nonce}"`));
  };

  app.get("/", { config: { access: "public" }, schema: { hide: true } }, (_request, reply) =>
    sendPage(reply),
  );
  const directories = index === undefined ? [] : await addFiles(app, directory);
  const notPages = new Set(["api", "ws", ...directories]);

  const wantsPage = (request: FastifyRequest): boolean => {
    if (request.method !== "GET" && request.method !== "HEAD") return false;
    const [, first = ""] = request.url.split(/[/?]/, 2);
    return !notPages.has(first) && request.headers.accept?.includes("text/html") === true;
  };
  return { sendPage, wantsPage };
}

/** Reads the page when it is new or has changed; undefined while there is no build. */
function createPageReader(directory: string): () => Promise<string | undefined> {
  const path = join(directory, "index.html");
  let known: { readonly page: string; readonly changedMs: number } | undefined;
  return async () => {
    try {
      const { mtimeMs } = await stat(path);
      if (known?.changedMs !== mtimeMs) known = { page: await readFile(path, "utf8"), changedMs: mtimeMs };
      return known.page;
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
      throw error;
    }
  };
}

/**
 * One route per top-level entry: a wildcard at the root would answer for unknown API paths too.
 * Resolves with the names of the folders, whose missing files are missing and no pages.
 */
async function addFiles(app: FastifyInstance, directory: string): Promise<string[]> {
  const directories: string[] = [];
  await app.register(fastifyStatic, {
    root: directory,
    serve: false,
    cacheControl: false,
    index: false,
    preCompressed: true,
  });
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    if (entry.name === "index.html" || entry.name.startsWith(".")) continue;
    const path = encodeURI(entry.name);
    const options = { config: { access: "public" }, schema: { hide: true } } as const;
    if (entry.isDirectory()) {
      directories.push(entry.name);
      app.get<{ Params: { "*": string } }>(`/${path}/*`, options, (request, reply) =>
        sendFile(reply, `${entry.name}/${request.params["*"]}`),
      );
    } else {
      app.get(`/${path}`, options, (_request, reply) => sendFile(reply, entry.name));
    }
  }
  return directories;
}

function sendFile(reply: FastifyReply, path: string): FastifyReply {
  return reply
    .header("cache-control", hashedName.test(path) ? immutable : "no-cache")
    .sendFile(path, { dotfiles: "ignore" });
}
