import { NativeSelect } from "@mantine/core";
import { useCollections, useTags } from "./use-organise.ts";

/** Filters by tag and by collection, each as long as there are some. */
export function LabelSelects({
  className,
  tag,
  collection,
  onChange,
}: {
  className: string | undefined;
  tag: string | undefined;
  /** By its id. */
  collection: string | undefined;
  onChange: (change: { tag?: string | undefined; collection?: string | undefined }) => void;
}) {
  return (
    <>
      <LabelSelect
        className={className}
        label="Tag"
        any="Any tag"
        choices={useTags().map((known) => ({ value: known.tag, label: known.tag }))}
        value={tag}
        onChange={(value) => onChange({ tag: value })}
      />
      <LabelSelect
        className={className}
        label="Collection"
        any="Any collection"
        choices={useCollections().map(({ id, name }) => ({ value: id, label: name }))}
        value={collection}
        onChange={(value) => onChange({ collection: value })}
      />
    </>
  );
}

/** A filter by what people made up; nothing while there is nothing to choose. */
function LabelSelect({
  className,
  label,
  any,
  choices,
  value = "",
  onChange,
}: {
  className: string | undefined;
  label: string;
  any: string;
  choices: readonly { readonly value: string; readonly label: string }[];
  value: string | undefined;
  onChange: (value: string | undefined) => void;
}) {
  if (choices.length === 0 && value === "") return null;
  const isKnown = value === "" || choices.some((choice) => choice.value === value);
  return (
    <NativeSelect
      {...(className === undefined ? {} : { className })}
      aria-label={label}
      data={[{ value: "", label: any }, ...choices, ...(isKnown ? [] : [{ value, label: value }])]}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value || undefined)}
    />
  );
}
