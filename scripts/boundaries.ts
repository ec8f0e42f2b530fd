import { join } from "node:path";
import { boundaryProblems } from "./boundaries/problems.ts";
import { readWorkspaces } from "./boundaries/workspaces.ts";

// The folder to check is an argument so that the planted violations can be checked in a copy.
const root = process.argv[2] ?? join(import.meta.dirname, "..");
const workspaces = await readWorkspaces(root);
const problems = await boundaryProblems(workspaces);
for (const problem of problems) console.error(`${problem.where}: ${problem.message}  [${problem.rule}]`);
const fileCount = workspaces.reduce((sum, workspace) => sum + workspace.files.length, 0);
console.log(
  `Boundaries: ${fileCount} files in ${workspaces.length} workspaces, ${problems.length} problem(s).`,
);
// Nothing examined is a broken check, not a clean one.
if (problems.length > 0 || fileCount === 0) process.exitCode = 1;
