import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { runProgram } from "../run-program.ts";

/**
 * The arguments of `unshare` that run a command inside the private root as one of its users. The
 * mounts live in the command's own mount namespace and end with it: nothing to unmount, and deleting
 * the root never touches the machine's /dev. `exec` makes the child the command itself.
 */
export function enterRoot(root: string, user: string, command: readonly string[]): string[] {
  const script =
    'mount --bind /proc "$0/proc" && mount --rbind /dev "$0/dev" && user="$1" && shift && ' +
    'exec chroot --userspec="$user:$user" "$0" "$@"';
  return ["--mount", "sh", "-c", script, root, user, ...command];
}

/** Runs a command inside the private root to its end and returns what it printed. Throws when it fails. */
export async function runInRoot(root: string, user: string, command: readonly string[]): Promise<string> {
  const result = await runProgram("unshare", enterRoot(root, user, command), { timeoutMs: 120_000 });
  if (result.exitCode === 0) return result.output;
  throw new Error(`${command[0] ?? ""} failed in the service root:\n${result.output.slice(-2000)}`);
}

/** Starts a service inside the private root that outlives this process. */
export async function spawnInRoot(
  root: string,
  user: string,
  logPath: string,
  command: readonly string[],
): Promise<void> {
  const log = openSync(logPath, "a");
  const child = spawn("unshare", enterRoot(root, user, command), {
    detached: true,
    stdio: ["ignore", log, log],
    cwd: "/",
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LANG: "C.UTF-8" },
  });
  closeSync(log);
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", reject);
  });
  child.unref();
}
