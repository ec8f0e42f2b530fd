import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { constants, setPriority } from "node:os";
import { fileURLToPath } from "node:url";

/** Found by fixed paths, because the environment belongs to the server. */
const prlimitPaths = ["/usr/bin/prlimit", "/bin/prlimit", "/usr/local/bin/prlimit"];

/** The heap stays below the ceiling of the process, which also holds buffers and WebAssembly. */
const maxHeapMegabytes = 512;

/**
 * What Node 24 reserves for code and never fills, but the kernel counts as data: 570 MB measured on
 * Linux x86. Without it on top, the ceiling would strike at half its value. A thread
 * reserves as much again.
 */
const reservedBytes = 600_000_000;

/**
 * Starts a child in its own process group, with a memory ceiling, without the environment of this
 * process, and without the right to write outside its folder or, unless it is said, to start programs.
 */
export function spawnChild(options: {
  readonly folder: string;
  readonly memoryBytes: number;
  /** Threads that libraries start in it. Default none. */
  readonly threads?: number;
  /** Only where a program of the system is to read: it is in the child's group and has its limits. */
  readonly mayStartPrograms?: boolean;
}): ChildProcess {
  const entry = fileURLToPath(new URL("../child/main.ts", import.meta.url));
  const nodeArguments = [
    `--max-old-space-size=${Math.min(maxHeapMegabytes, Math.floor(options.memoryBytes / 2_000_000))}`,
    // A second fence: a parser that is tricked into writing or running something gets an error.
    "--permission",
    "--allow-fs-read=*",
    `--allow-fs-write=${options.folder}`,
    "--allow-worker",
    ...(options.mayStartPrograms === true ? ["--allow-child-process"] : []),
    "--disable-warning=SecurityWarning",
    entry,
    String(process.pid),
  ];
  const prlimit = prlimitPaths.find((path) => existsSync(path));
  const [command, parameters] =
    prlimit === undefined
      ? [process.execPath, nodeArguments]
      : [
          prlimit,
          [
            `--data=${options.memoryBytes + reservedBytes * (1 + (options.threads ?? 0))}`,
            "--core=0",
            process.execPath,
            ...nodeArguments,
          ],
        ];
  const child = spawn(command, parameters, {
    cwd: options.folder,
    detached: true,
    env: { PATH: "/usr/local/bin:/usr/bin:/bin" },
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  // Requests are answered before files are read. A child that could not start has no id.
  if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_BELOW_NORMAL);
  return child;
}
