import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { isMillraceError, toError } from "@millrace/kernel";
import type { ConfigProblem } from "./config-errors.ts";

/** What a program shares with the product: two copies of them would not know each other's objects. */
const shared = new Set(["millrace", "zod"]);

/** Imports the files of a program, and knows afterwards which they were. */
export type UserModules = {
  /** The exports of a file, or why it can't be imported. */
  readonly load: (
    file: string,
  ) => Promise<{ readonly exports: object } | { readonly problem: ConfigProblem }>;
  /**
   * Files of the program's folder that were imported, or should have been: what has to be watched. Without
   * what npm installed.
   */
  readonly files: ReadonlySet<string>;
};

type FailedImport = { readonly specifier: string; readonly from: string };

/**
 * Makes `millrace` and `zod` resolve to this product's own copies, from whatever folder, for as long as
 * the process lives: a handler may import something when it runs. Files with types are taken as modules,
 * with or without a package.json.
 */
export function openUserModules(folder: string): UserModules {
  const files = new Set<string>();
  let failed: FailedImport | undefined;
  let lastLoaded: string | undefined;
  registerHooks({
    resolve(specifier, context, next) {
      const from = filePath(context.parentURL);
      if (from === undefined || isInstalled(from)) return next(specifier, context);
      if (specifier.startsWith(".")) keep(files, folder, path.resolve(path.dirname(from), specifier));
      try {
        const found = shared.has(specifier.split("/", 1)[0] ?? "")
          ? next(specifier, { ...context, parentURL: import.meta.url })
          : next(specifier, context);
        const isTyped = isOfProgram(folder, filePath(found.url)) && /\.m?ts$/.test(found.url);
        return isTyped ? { ...found, format: "module-typescript" } : found;
      } catch (error) {
        failed = { specifier, from };
        throw error;
      }
    },
    load(url, context, next) {
      const file = filePath(url);
      if (file !== undefined && isOfProgram(folder, file)) {
        lastLoaded = file;
        files.add(file);
      }
      return next(url, context);
    },
  });
  return {
    files,
    load: async (file) => {
      failed = undefined;
      lastLoaded = file;
      files.add(file);
      try {
        const exports: unknown = await import(pathToFileURL(file).href);
        return { exports: typeof exports === "object" && exports !== null ? exports : {} };
      } catch (thrown) {
        return { problem: describe(thrown, { folder, file, failed, lastLoaded }) };
      }
    },
  };
}

type FailedLoad = {
  readonly folder: string;
  readonly file: string;
  readonly failed: FailedImport | undefined;
  readonly lastLoaded: string;
};

function describe(thrown: unknown, load: FailedLoad): ConfigProblem {
  const error = toError(thrown);
  const found = findPlace(error, load) ?? { file: load.lastLoaded };
  const line = found.line === undefined ? "" : `:${found.line}`;
  const name = isMillraceError(error) || error.name === "Error" ? "" : `${error.name}: `;
  return {
    file: `${path.relative(load.folder, found.file)}${line}`,
    message: `${name}${advice(error)}`,
    cause: error,
  };
}

function advice(error: Error): string {
  const code = "code" in error ? error.code : undefined;
  if (code === "ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX") {
    return `${error.message}. Node runs these files by leaving the types out: use what leaves nothing behind.`;
  }
  const missing = /^Cannot find (?:module|package) '([^']+)'/.exec(error.message)?.[1];
  if (code !== "ERR_MODULE_NOT_FOUND" || missing === undefined) return error.message;
  return path.isAbsolute(missing)
    ? `there is no file ${missing}. Imports name the whole file, its ending included.`
    : `there is no package ${missing}. Install it in this folder: npm install ${missing}`;
}

type Place = { readonly file: string; readonly line?: number };

/** Where an import failed: Node says it in several ways, and sometimes only to whom it runs alone. */
function findPlace(error: Error, { folder, failed, lastLoaded }: FailedLoad): Place | undefined {
  const code = "code" in error ? error.code : undefined;
  if (code === "ERR_MODULE_NOT_FOUND" && failed !== undefined) {
    return { file: failed.from, ...lineOf(failed) };
  }
  const said = headPlace(error.stack ?? "") ?? framePlace(error.stack ?? "", folder);
  if (said !== undefined) return said;
  if (error.name !== "SyntaxError") return undefined;
  const checked = spawnSync(process.execPath, ["--check", lastLoaded], { encoding: "utf8", timeout: 10_000 });
  return headPlace(checked.stderr);
}

/** `file:///a/b.ts:3` or `/a/b.ts:3`, as the first line before the faulty one. */
function headPlace(text: string): Place | undefined {
  const [, file, line] = /^(\S.*?):(\d+)\r?\n/.exec(text) ?? [];
  if (file === undefined || !/^(file:|\/|[A-Za-z]:[\\/])/.test(file)) return undefined;
  return { file: filePath(file) ?? file, line: Number(line) };
}

/** The innermost frame of the program's own. */
function framePlace(stack: string, folder: string): Place | undefined {
  for (const [, url = "", line] of stack.matchAll(/(file:\/\/[^\s)]+?):(\d+):\d+\)?$/gm)) {
    const file = filePath(url);
    if (file !== undefined && isOfProgram(folder, file)) return { file, line: Number(line) };
  }
  return undefined;
}

function lineOf({ specifier, from }: FailedImport): { readonly line?: number } {
  const lines = readFileSync(from, "utf8").split("\n");
  const index = lines.findIndex((line) => line.includes(`"${specifier}"`) || line.includes(`'${specifier}'`));
  return index < 0 ? {} : { line: index + 1 };
}

function keep(files: Set<string>, folder: string, file: string): void {
  if (isOfProgram(folder, file)) files.add(file);
}

function filePath(url: string | undefined): string | undefined {
  if (url === undefined || !url.startsWith("file:")) return undefined;
  return fileURLToPath(url.split(/[?#]/, 1)[0] ?? url);
}

function isOfProgram(folder: string, file: string | undefined): boolean {
  if (file === undefined || isInstalled(file)) return false;
  const relative = path.relative(folder, file);
  return relative !== "" && !relative.startsWith("..") && !path.isAbsolute(relative);
}

function isInstalled(file: string): boolean {
  return file.split(path.sep).includes("node_modules");
}
