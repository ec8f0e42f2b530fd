/** What is known of a process whose root directory is the private root. */
export type RootProcess = {
  readonly id: number;
  readonly parentId: number;
  readonly name: string;
  /** The words of its command line. */
  readonly words: readonly string[];
  /** HOME of its environment. Erlang's programs, its name service among them, have no other mark. */
  readonly home: string;
  /** Where it works, as seen inside the root. PostgreSQL's children, whose titles say nothing, are in their cluster. */
  readonly workingFolder: string;
};

/**
 * Those of these processes that belong to the servers with these folders: which name one in their command line, have
 * it as their home or work in it, and all their children. By nothing that a start would have to write down, so that
 * what an earlier one has left is found, too. Others may run servers in the same root, in folders of their own.
 */
export function processesOf(all: readonly RootProcess[], folders: readonly string[]): RootProcess[] {
  const marks = folders.map(markOf);
  const isMarked = ({ words, home, workingFolder }: RootProcess): boolean =>
    [...words, home, workingFolder].some((text) => marks.some((mark) => mark.test(text)));
  const found = new Set(all.filter(isMarked).map(({ id }) => id));
  for (let before = -1; before !== found.size;) {
    before = found.size;
    for (const { id, parentId } of all) if (found.has(parentId)) found.add(id);
  }
  return all.filter(({ id }) => found.has(id));
}

/** The folder or what is in it, alone, after a `=` or as one of the words of a title; and none whose name goes on. */
function markOf(folder: string): RegExp {
  return new RegExp(`(?:^|[\\s="'])${RegExp.escape(folder)}(?:[/\\s"']|$)`);
}
