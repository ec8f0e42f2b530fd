import { useState } from "react";
import { formatCount } from "../formatting/numbers.ts";
import { charactersAtOnce, isOpenAtFirst, membersAtOnce, membersOf, sizeWords } from "./json-shape.ts";
import classes from "./json-tree.module.css";

/**
 * A JSON value to read. What is deep or full stands closed and is drawn when it is opened, a hundred
 * members at a time, so that a huge value neither freezes the page nor hides what is around it.
 */
export function JsonTree({ value }: { value: unknown }) {
  const members = membersOf(value);
  return (
    <div className={classes.tree}>
      {members === undefined ? (
        <Scalar value={value} />
      ) : members.length === 0 ? (
        <Empty value={value} />
      ) : (
        <Members value={value} depth={0} />
      )}
    </div>
  );
}

function Members({ value, depth }: { value: unknown; depth: number }) {
  const [limit, setLimit] = useState(membersAtOnce);
  const members = membersOf(value) ?? [];
  const left = members.length - limit;
  return (
    <ul className={classes.members}>
      {members.slice(0, limit).map((member) => (
        <Member key={member.name} name={member.name} value={member.value} depth={depth + 1} />
      ))}
      {left > 0 ? (
        <li>
          <button type="button" className={classes.more} onClick={() => setLimit(limit + membersAtOnce)}>
            Show {formatCount(Math.min(left, membersAtOnce))} more of {formatCount(left)}
          </button>
        </li>
      ) : null}
    </ul>
  );
}

function Member({ name, value, depth }: { name: string; value: unknown; depth: number }) {
  const members = membersOf(value);
  const [isOpen, setIsOpen] = useState(members !== undefined && isOpenAtFirst(depth, members.length));
  if (members === undefined || members.length === 0) {
    return (
      <li className={classes.member}>
        <span className={classes.name}>{name}</span>
        {members === undefined ? <Scalar value={value} /> : <Empty value={value} />}
      </li>
    );
  }
  return (
    <li>
      <details open={isOpen} onToggle={(event) => setIsOpen(event.currentTarget.open)}>
        <summary className={classes.summary}>
          <span className={classes.name}>{name}</span>
          <span className={classes.size}>{sizeWords(value, members.length)}</span>
        </summary>
        {isOpen ? <Members value={value} depth={depth} /> : null}
      </details>
    </li>
  );
}

function Empty({ value }: { value: unknown }) {
  return <span className={classes.size}>{Array.isArray(value) ? "[ ]" : "{ }"}</span>;
}

function Scalar({ value }: { value: unknown }) {
  const [isWhole, setIsWhole] = useState(false);
  if (typeof value !== "string") {
    return (
      <span className={classes.value} data-type={value === null ? "null" : typeof value}>
        {String(value)}
      </span>
    );
  }
  const isCut = !isWhole && value.length > charactersAtOnce;
  return (
    <span className={classes.value} data-type="string">
      {isCut ? `${value.slice(0, charactersAtOnce)}…` : value === "" ? '""' : value}
      {isCut ? (
        <button type="button" className={classes.more} onClick={() => setIsWhole(true)}>
          Show all {formatCount(value.length)} characters
        </button>
      ) : null}
    </span>
  );
}
