import type { ExportFormat } from "@millrace/contracts";
import { Button, Menu } from "@mantine/core";
import IconBraces from "@tabler/icons-react/dist/esm/icons/IconBraces.mjs";
import IconDownload from "@tabler/icons-react/dist/esm/icons/IconDownload.mjs";
import IconFileZip from "@tabler/icons-react/dist/esm/icons/IconFileZip.mjs";
import IconMarkdown from "@tabler/icons-react/dist/esm/icons/IconMarkdown.mjs";
import IconTable from "@tabler/icons-react/dist/esm/icons/IconTable.mjs";
import { exportAddress } from "../api/requests.ts";
import type { DocumentFilters } from "../api/requests.ts";

type Choice = {
  readonly label: string;
  readonly icon: typeof IconBraces;
  readonly format: ExportFormat;
  readonly withOriginals?: true;
};

const choices: readonly Choice[] = [
  { label: "Export Markdown", icon: IconMarkdown, format: "markdown" },
  { label: "Export JSON", icon: IconBraces, format: "json" },
  { label: "Export CSV", icon: IconTable, format: "csv" },
  { label: "Export zip", icon: IconFileZip, format: "zip" },
  { label: "Export zip with files", icon: IconFileZip, format: "zip", withOriginals: true },
];

/** Saves all documents that the filters leave, however many pages they have. */
export function ExportMenu({ filters }: { filters: DocumentFilters }) {
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button variant="default" leftSection={<IconDownload size={17} />}>
          Export
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <ExportItems what={filters} />
      </Menu.Dropdown>
    </Menu>
  );
}

/** One item for each way to save documents; the browser writes the file as it comes. */
export function ExportItems({ what }: { what: DocumentFilters & { readonly id?: string } }) {
  return choices.map(({ label, icon: Icon, ...way }) => (
    <Menu.Item
      key={label}
      component="a"
      href={exportAddress({ ...what, ...way })}
      download
      leftSection={<Icon size={16} />}
    >
      {label}
    </Menu.Item>
  ));
}
