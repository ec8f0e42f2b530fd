import type { Document, DocumentOutline } from "@millrace/contracts";
import { ActionIcon, NativeSelect } from "@mantine/core";
import IconChevronLeft from "@tabler/icons-react/dist/esm/icons/IconChevronLeft.mjs";
import IconChevronRight from "@tabler/icons-react/dist/esm/icons/IconChevronRight.mjs";
import IconDownload from "@tabler/icons-react/dist/esm/icons/IconDownload.mjs";
import IconLayoutColumns from "@tabler/icons-react/dist/esm/icons/IconLayoutColumns.mjs";
import IconLink from "@tabler/icons-react/dist/esm/icons/IconLink.mjs";
import { useState } from "react";
import { fileAddress } from "../../api/requests.ts";
import { copyText } from "../../feedback/copy.tsx";
import { showDone } from "../../feedback/toasts.ts";
import { countOf } from "../../formatting/numbers.ts";
import { pageWord, writePlace } from "./place.ts";
import type { Place } from "./place.ts";
import classes from "./reading-bar.module.css";

/** Finds the way in a text: pages, sections, a link to where one is, the original beside it. */
export function ReadingBar({
  document,
  outline,
  page,
  offset,
  onGo,
  original,
}: {
  document: Document;
  outline: DocumentOutline;
  /** That is read now. */
  page: number | undefined;
  /** The first character that is read now. */
  offset: number;
  onGo: (place: Place) => void;
  /** Undefined where there is nothing to show. */
  original: { readonly isShown: boolean; readonly toggle: () => void; readonly label: string } | undefined;
}) {
  const { pages, sections, total_length: length } = outline;
  const copyLink = async (): Promise<void> => {
    const place = page === undefined ? { at: offset } : { page };
    const link = new URL(`/documents/${document.id}?tab=text#${writePlace(place)}`, location.href).href;
    if (await copyText(link)) showDone("Link to this place copied");
  };
  return (
    <div className={classes.bar} data-reading-bar role="group" aria-label="Find your way in the text">
      {page === undefined || pages.length < 2 ? (
        <span className={classes.size}>{countOf(length, "character")}</span>
      ) : (
        <PageSteps document={document} pages={pages} page={page} onGo={onGo} />
      )}
      {sections.length < 2 ? null : <SectionSelect sections={sections} offset={offset} onGo={onGo} />}
      <span className={classes.end}>
        <ActionIcon
          variant="default"
          size={34}
          aria-label="Copy a link to this place"
          title="Copy a link to this place"
          onClick={() => void copyLink()}
        >
          <IconLink size={17} />
        </ActionIcon>
        {document.file_name === null ? null : (
          <ActionIcon
            component="a"
            href={fileAddress(document.id)}
            download
            variant="default"
            size={34}
            aria-label="Save the file"
            title="Save the file"
          >
            <IconDownload size={17} />
          </ActionIcon>
        )}
        {original === undefined ? null : (
          <ActionIcon
            variant={original.isShown ? "light" : "default"}
            size={34}
            aria-pressed={original.isShown}
            aria-label={original.label}
            title={original.label}
            onClick={original.toggle}
          >
            <IconLayoutColumns size={17} />
          </ActionIcon>
        )}
      </span>
    </div>
  );
}

function PageSteps({
  document,
  pages,
  page,
  onGo,
}: {
  document: Document;
  pages: DocumentOutline["pages"];
  page: number;
  onGo: (place: Place) => void;
}) {
  const [typed, setTyped] = useState<string>();
  const word = pageWord(document.file_type);
  const index = pages.findIndex((one) => one.page === page);
  const last = pages.at(-1)?.page ?? 1;
  const goTo = (next: number | undefined): void => {
    if (next !== undefined) onGo({ page: next });
  };
  return (
    <form
      className={classes.steps}
      onSubmit={(event) => {
        event.preventDefault();
        const wanted = Number(typed);
        if (typed !== undefined && Number.isInteger(wanted)) {
          goTo(Math.min(Math.max(wanted, pages[0]?.page ?? 1), last));
        }
        setTyped(undefined);
      }}
    >
      <ActionIcon
        variant="default"
        size={34}
        aria-label={`${word} before`}
        disabled={index <= 0}
        onClick={() => goTo(pages[index - 1]?.page)}
      >
        <IconChevronLeft size={17} />
      </ActionIcon>
      <label className={classes.number}>
        <span className={classes.word}>{word}</span>
        <input
          inputMode="numeric"
          value={typed ?? String(page)}
          onChange={(event) => setTyped(event.currentTarget.value)}
          onFocus={(event) => event.currentTarget.select()}
          onBlur={() => setTyped(undefined)}
        />
        of {last}
      </label>
      <ActionIcon
        variant="default"
        size={34}
        aria-label={`${word} after`}
        disabled={index < 0 || index >= pages.length - 1}
        onClick={() => goTo(pages[index + 1]?.page)}
      >
        <IconChevronRight size={17} />
      </ActionIcon>
    </form>
  );
}

function SectionSelect({
  sections,
  offset,
  onGo,
}: {
  sections: DocumentOutline["sections"];
  offset: number;
  onGo: (place: Place) => void;
}) {
  const current = sections.findLast((section) => section.char_start <= offset)?.char_start;
  const top = Math.min(...sections.map(({ level }) => level));
  return (
    <NativeSelect
      className={classes.sections}
      aria-label="Section"
      size="sm"
      value={current === undefined ? "" : String(current)}
      onChange={(event) => {
        const { value } = event.currentTarget;
        if (value !== "") onGo({ at: Number(value) });
      }}
      data={[
        ...(current === undefined ? [{ value: "", label: "Sections" }] : []),
        ...sections.map(({ title, level, char_start: start }) => ({
          value: String(start),
          label: `${"\u2003".repeat(level - top)}${title}`,
        })),
      ]}
    />
  );
}
