import type { NearestPassage } from "@millrace/contracts";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import classes from "./passage-link.module.css";

type Place = Pick<NearestPassage, "document_id" | "char_start" | "char_end">;

/** Opens the document's text at these words, which scroll themselves into view. */
export function PassageLink({
  place,
  className,
  label,
  children,
}: {
  place: Place;
  className?: string | undefined;
  /** What is read out in place of the text. */
  label?: string | undefined;
  children: ReactNode;
}) {
  return (
    <Link
      to="/documents/$id"
      params={{ id: place.document_id }}
      search={{ tab: "text", hl: `${place.char_start}-${place.char_end}` }}
      resetScroll={false}
      className={className}
      aria-label={label}
    >
      {children}
    </Link>
  );
}

/** Where in its document a passage stands, as far as that is known. */
export function PlaceWords({ place }: { place: Pick<NearestPassage, "page" | "section"> }) {
  const { page, section } = place;
  if (page === null && section === null) return null;
  return (
    <span className={classes.place}>
      {[section, page === null ? null : `page ${page}`].filter((part) => part !== null).join(", ")}
    </span>
  );
}
