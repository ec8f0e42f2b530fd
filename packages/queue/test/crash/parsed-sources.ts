/** The sources of a package as syntax trees, in which names are found where they are declared. */
import path from "node:path";
import { parseSync, visitorKeys } from "oxc-parser";
import type { Argument, CallExpression, Function as FunctionNode, Node, ParamPattern } from "oxc-parser";

export type Source = {
  readonly path: string;
  readonly nodes: readonly Node[];
  readonly parents: ReadonlyMap<Node, Node>;
  readonly lineOf: (node: Node) => number;
};

/** What a name stands for where it is used. */
export type Binding =
  | {
      readonly kind: "value";
      readonly source: Source;
      readonly node: Node;
      /** It is a property of the value: `const { name } = value`. */
      readonly isProperty: boolean;
    }
  | {
      readonly kind: "parameter";
      readonly source: Source;
      readonly of: AnyFunction;
      readonly index: number;
      readonly type: string | undefined;
    };

export type AnyFunction = FunctionNode | Extract<Node, { type: "ArrowFunctionExpression" }>;

export type Call = { readonly source: Source; readonly node: CallExpression };

export function parseSource(name: string, text: string): Source {
  const { program, errors } = parseSync(name, text);
  const [error] = errors;
  if (error !== undefined) throw new Error(`${name}: ${error.message}`);
  const nodes: Node[] = [];
  const parents = new Map<Node, Node>();
  const visit = (node: Node): void => {
    nodes.push(node);
    for (const child of childrenOf(node)) {
      parents.set(child, node);
      visit(child);
    }
  };
  visit(program);
  return { path: name, nodes, parents, lineOf: ({ start }) => text.slice(0, start).split("\n").length };
}

export function childrenOf(node: Node): Node[] {
  const fields = node as unknown as Readonly<Record<string, Node | readonly (Node | null)[] | null>>;
  return (visitorKeys[node.type] ?? []).flatMap((key) => fields[key] ?? []).filter((child) => child !== null);
}

export function isWithin(source: Source, node: Node, outer: Node): boolean {
  for (let at: Node | undefined = node; at !== undefined; at = source.parents.get(at)) {
    if (at === outer) return true;
  }
  return false;
}

export function isFunction(node: Node | undefined): node is AnyFunction {
  return (
    node?.type === "FunctionDeclaration" ||
    node?.type === "FunctionExpression" ||
    node?.type === "ArrowFunctionExpression"
  );
}

/** The last name of `a`, `b.a`, `c.b.a` and `this.#a`. */
export function lastName(node: Node): string | undefined {
  if (node.type === "Identifier" || node.type === "PrivateIdentifier") return node.name;
  if (node.type === "MemberExpression" && !node.computed) return lastName(node.property);
  return undefined;
}

/** Several files that import from each other. */
export class Sources {
  readonly all: readonly Source[];
  readonly #byPath: ReadonlyMap<string, Source>;

  /** Texts by the paths of their files. */
  constructor(texts: ReadonlyMap<string, string>) {
    this.all = [...texts].map(([name, text]) => parseSource(name, text));
    this.#byPath = new Map(this.all.map((source) => [source.path, source]));
  }

  /** Undefined for globals, and for what comes from other packages. */
  resolve(source: Source, name: string, from: Node): Binding | undefined {
    for (let at = source.parents.get(from); at !== undefined; at = source.parents.get(at)) {
      const found = this.#declaredIn(source, at, name);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Every call of a function that has a name, or undefined when it is also used in another way. */
  callsOf(source: Source, of: Node): Call[] | undefined {
    const calls: Call[] = [];
    for (const other of this.all) {
      for (const node of other.nodes) {
        if (!this.#namesFunction(other, node, { source, of })) continue;
        const call = callWhoseCalleeIs(other, node);
        if (call === undefined) return undefined;
        calls.push({ source: other, node: call });
      }
    }
    return calls;
  }

  #namesFunction(
    source: Source,
    node: Node,
    wanted: { readonly source: Source; readonly of: Node },
  ): boolean {
    if (node.type === "PrivateIdentifier") {
      // A private method is called in its class alone.
      const { of } = wanted;
      const method = of.type === "FunctionExpression" ? wanted.source.parents.get(of) : undefined;
      const isSame = method?.type === "MethodDefinition" && lastName(method.key) === node.name;
      return isSame && source === wanted.source && source.parents.get(node) !== method;
    }
    if (node.type !== "Identifier" || isDeclaration(source, node)) return false;
    const binding = this.resolve(source, node.name, node);
    return binding?.kind === "value" && binding.node === wanted.of && binding.source === wanted.source;
  }

  #declaredIn(source: Source, scope: Node, name: string): Binding | undefined {
    if (isFunction(scope)) return parameterNamed(source, scope, name);
    const statements = statementsOf(scope);
    for (const statement of statements) {
      const declared = statement.type === "ExportNamedDeclaration" ? statement.declaration : statement;
      if (declared?.type === "FunctionDeclaration" && declared.id?.name === name) {
        return { kind: "value", source, node: declared, isProperty: false };
      }
      if (declared?.type === "VariableDeclaration") {
        for (const { id, init } of declared.declarations) {
          if (init === null || !bindsName(id, name)) continue;
          return { kind: "value", source, node: init, isProperty: id.type !== "Identifier" };
        }
      }
      if (declared?.type === "ImportDeclaration") {
        const imported = this.#imported(source, declared, name);
        if (imported !== undefined) return imported;
      }
    }
    return undefined;
  }

  #imported(
    source: Source,
    { specifiers, source: from }: Extract<Node, { type: "ImportDeclaration" }>,
    name: string,
  ) {
    for (const specifier of specifiers) {
      if (specifier.type !== "ImportSpecifier" || specifier.local.name !== name) continue;
      const imported = this.#byPath.get(path.posix.join(path.posix.dirname(source.path), from.value));
      const [program] = imported?.nodes ?? [];
      const importedName = lastName(specifier.imported);
      if (imported === undefined || program === undefined || importedName === undefined) return undefined;
      return this.#declaredIn(imported, program, importedName);
    }
    return undefined;
  }
}

function statementsOf(scope: Node): readonly Node[] {
  if (scope.type === "Program" || scope.type === "BlockStatement") return scope.body;
  if (scope.type === "ForOfStatement" || scope.type === "ForInStatement") return [scope.left];
  if (scope.type === "ForStatement" && scope.init !== null) return [scope.init];
  return [];
}

function parameterNamed(source: Source, of: AnyFunction, name: string): Binding | undefined {
  const index = of.params.findIndex((parameter) => bindsName(parameter, name));
  const parameter = of.params[index];
  return parameter === undefined
    ? undefined
    : { kind: "parameter", source, of, index, type: typeNameOf(parameter) };
}

/** Whether a pattern, `name` or `{ name }`, makes a variable of that name. */
function bindsName(pattern: Node, name: string): boolean {
  if (pattern.type === "Identifier") return pattern.name === name;
  if (pattern.type === "Property") return bindsName(pattern.value, name);
  return childrenOf(pattern).some((child) => child.type !== "TSTypeAnnotation" && bindsName(child, name));
}

function typeNameOf(parameter: ParamPattern): string | undefined {
  if (parameter.type !== "Identifier") return undefined;
  const type = parameter.typeAnnotation?.typeAnnotation;
  return type?.type === "TSTypeReference" ? lastName(type.typeName) : undefined;
}

function isDeclaration(source: Source, node: Node): boolean {
  const parent = source.parents.get(node);
  if (parent?.type === "MemberExpression") return parent.property === node && !parent.computed;
  if (parent?.type === "Property") return parent.key === node && parent.value !== node;
  if (parent?.type === "FunctionDeclaration" || parent?.type === "VariableDeclarator")
    return parent.id === node;
  return parent?.type === "ImportSpecifier" || parent?.type === "ExportSpecifier";
}

function callWhoseCalleeIs(source: Source, node: Node): CallExpression | undefined {
  const parent = source.parents.get(node);
  if (parent?.type === "CallExpression") return parent.callee === node ? parent : undefined;
  return parent?.type === "MemberExpression" ? callWhoseCalleeIs(source, parent) : undefined;
}

export function argumentAt(call: Call, index: number): Argument | undefined {
  return call.node.arguments[index];
}
