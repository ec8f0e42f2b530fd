/** Finds in the sources of the queue where something is committed that has no crash point. */
import { argumentAt, childrenOf, isFunction, isWithin, lastName, Sources } from "./parsed-sources.ts";
import type { Call, Source } from "./parsed-sources.ts";
import type { CallExpression, Node } from "oxc-parser";

export type WriteSites = {
  /** As `file:line: what is wrong`. */
  readonly problems: readonly string[];
  /** The names of commits that are in use. */
  readonly names: ReadonlySet<string>;
};

/** Statements that change something, or lock rows so that somebody else could not. */
const writing =
  /\binsert\s+into\b|\bdelete\s+from\b|\bmerge\s+into\b|^\s*truncate\b|\bupdate\b[^;]*\bset\b|\bfor\s+(no\s+key\s+)?update\b/i;
const builders = new Set(["insertInto", "updateTable", "deleteFrom", "mergeInto", "replaceInto"]);

/** Functions of the database that do the same, by the text of the migrations that make them. */
export function findWritingFunctions(migrations: string): string[] {
  const functions = migrations.matchAll(
    /create\s+(?:or\s+replace\s+)?function\s+(\w+)[^]*?\$\$([^]*?)\$\$/gi,
  );
  return [...functions].flatMap(([, name, body = ""]) =>
    name !== undefined && writing.test(body) ? [name] : [],
  );
}

/**
 * Looks at every place where a statement is executed, a transaction begins or a write scope opens. What it
 * does not understand counts as wrong. `texts` are sources by path.
 */
export function findWriteSites(
  texts: ReadonlyMap<string, string>,
  known: { readonly names: readonly string[]; readonly writingFunctions: readonly string[] },
): WriteSites {
  return new Search(new Sources(texts), known).run();
}

class Search {
  readonly #sources: Sources;
  readonly #known: ReadonlySet<string>;
  readonly #callOfWriter: RegExp;
  readonly #problems: string[] = [];
  readonly #names = new Set<string>();

  constructor(
    sources: Sources,
    known: { readonly names: readonly string[]; readonly writingFunctions: readonly string[] },
  ) {
    this.#sources = sources;
    this.#known = new Set(known.names);
    this.#callOfWriter = new RegExp(
      `\\b(${["no_function", ...known.writingFunctions].join("|")})\\s*\\(`,
      "i",
    );
  }

  run(): WriteSites {
    for (const source of this.#sources.all) {
      for (const node of source.nodes) if (node.type === "CallExpression") this.#look({ source, node });
    }
    return { problems: this.#problems, names: this.#names };
  }

  #look(call: Call): void {
    const { callee } = call.node;
    const name = lastName(callee);
    if (callee.type === "Identifier") {
      if (name === "commit") this.#takeName(call, argumentAt(call, 0));
      else if (name === "withWriteScope") this.#takeName(call, argumentAt(call, 2));
      else if (name === "crashPoint" && argumentAt(call, 0)?.type === "Literal")
        this.#takeName(call, argumentAt(call, 0));
    }
    // A private method is our own, and looked at by itself.
    if (callee.type !== "MemberExpression" || callee.property.type !== "Identifier") return;
    if (name === "transaction") this.#lookAtTransaction(call);
    else if (name === "execute" && call.node.arguments.length > 0) {
      this.#lookAtStatement(call, callee.object, argumentAt(call, 0));
    } else if (name === "executeQuery" || name === "query") {
      this.#lookAtStatement(call, argumentAt(call, 0), callee.object);
    } else if (builders.has(callee.property.name))
      this.#report(call, "a write must be an sql template, which is looked at here");
  }

  #takeName(call: Call, argument: Node | undefined): void {
    const name =
      argument?.type === "Literal" && typeof argument.value === "string" ? argument.value : undefined;
    if (name === undefined) this.#report(call, "the commit has no name");
    else if (!this.#known.has(name)) this.#report(call, `${name} is not among the names of commits`);
    else this.#names.add(name);
  }

  #lookAtTransaction(call: Call): void {
    const [work] = call.node.arguments;
    const { source, node } = call;
    const isNamed =
      crashPointsIn(source, work, "before") &&
      crashPointsIn(source, outermostFunction(source, node), "after");
    if (!isNamed && !this.#isInCommit(source, node)) {
      this.#report(call, "a transaction commits without a crash point");
    }
  }

  #lookAtStatement(call: Call, statement: Node | undefined, executor: Node | undefined): void {
    const { source, node } = call;
    const text = statement === undefined ? "" : this.#textOf(source, statement, new Set());
    // A statement of which nothing is known may be one that writes.
    if (text !== "" && !writing.test(text) && !this.#callOfWriter.test(text)) return;
    if (executor !== undefined && this.#isTransaction(source, executor)) return;
    if (!this.#isInCommit(source, node)) this.#report(call, "a write commits without a crash point");
  }

  /** All text that may be a part of a statement, also of the expressions that it is put together from. */
  #textOf(source: Source, node: Node, seen: Set<Node>): string {
    if (seen.has(node)) return "";
    seen.add(node);
    if (node.type === "TemplateElement") return ` ${node.value.raw} `;
    if (node.type === "Literal") return typeof node.value === "string" ? ` ${node.value} ` : "";
    if (node.type === "Identifier") {
      const binding = this.#sources.resolve(source, node.name, node);
      return binding?.kind === "value" ? this.#textOf(binding.source, binding.node, seen) : "";
    }
    return childrenOf(node)
      .map((child) => this.#textOf(source, child, seen))
      .join("");
  }

  #isTransaction(source: Source, executor: Node): boolean {
    if (executor.type === "MemberExpression") return lastName(executor) === "transaction";
    if (executor.type !== "Identifier") return false;
    const binding = this.#sources.resolve(source, executor.name, executor);
    if (binding?.kind === "value") return binding.isProperty && executor.name === "transaction";
    if (binding === undefined) return false;
    if (binding.type === "Transaction" || (binding.type === undefined && executor.name === "transaction"))
      return true;
    if (binding.type !== "Queryable") return false;
    const calls = this.#sources.callsOf(binding.source, binding.of) ?? [];
    const isSafe = (call: Call): boolean => {
      const given = argumentAt(call, binding.index);
      const isGiven = given !== undefined && this.#isTransaction(call.source, given);
      return isGiven || this.#isInCommit(call.source, call.node);
    };
    return calls.length > 0 && calls.every(isSafe);
  }

  /** Within the work of a `commit`, or in a function that is only called from there. */
  #isInCommit(source: Source, node: Node, seen: ReadonlySet<Node> = new Set()): boolean {
    for (let at: Node | undefined = node; at !== undefined; at = source.parents.get(at)) {
      if (at.type === "CallExpression" && at !== node && isCommit(at) && isWithin(source, node, at))
        return true;
      const named = namedFunction(source, at);
      if (named === undefined) continue;
      if (seen.has(named)) return false;
      const calls = this.#sources.callsOf(source, named) ?? [];
      const withThis = new Set([...seen, named]);
      return calls.length > 0 && calls.every((call) => this.#isInCommit(call.source, call.node, withThis));
    }
    return false;
  }

  #report({ source, node }: Call, problem: string): void {
    this.#problems.push(`${source.path}:${source.lineOf(node)}: ${problem}`);
  }
}

function isCommit({ callee }: CallExpression): boolean {
  return callee.type === "Identifier" && callee.name === "commit";
}

/** The node by which a function is known that has a name; undefined for other nodes. */
function namedFunction(source: Source, node: Node): Node | undefined {
  if (!isFunction(node)) return undefined;
  const parent = source.parents.get(node);
  const isNamed =
    node.type === "FunctionDeclaration" ||
    parent?.type === "VariableDeclarator" ||
    parent?.type === "MethodDefinition";
  return isNamed ? node : undefined;
}

function outermostFunction(source: Source, node: Node): Node {
  let outermost = node;
  for (let at: Node | undefined = node; at !== undefined; at = source.parents.get(at)) {
    if (isFunction(at)) outermost = at;
  }
  return outermost;
}

function crashPointsIn(source: Source, node: Node | undefined, side: "before" | "after"): boolean {
  if (node === undefined) return false;
  return source.nodes.some((call) => {
    if (call.type !== "CallExpression" || lastName(call.callee) !== "crashPoint") return false;
    const [, given] = call.arguments;
    return given?.type === "Literal" && given.value === side && isWithin(source, call, node);
  });
}
