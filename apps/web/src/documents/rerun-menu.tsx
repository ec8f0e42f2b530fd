import type { Document, PartName } from "@millrace/contracts";
import { ActionIcon, Menu } from "@mantine/core";
import IconRefresh from "@tabler/icons-react/dist/esm/icons/IconRefresh.mjs";
import { useSystem } from "../api/use-system.ts";
import { partLabels } from "./parts.ts";
import { isSettled } from "./statuses.ts";
import { useRerunPart } from "./use-document-actions.ts";

/** Makes one part again, by one of the models that are set up. */
export function RerunMenu({ part, document }: { part: PartName; document: Document }) {
  const choices = useSystem()?.models.chat_choices ?? [];
  const rerun = useRerunPart(document.id);
  const label = `Make ${partLabels[part].toLowerCase()} again`;
  return (
    <Menu>
      <Menu.Target>
        <ActionIcon
          variant="subtle"
          color="gray"
          aria-label={label}
          title={label}
          loading={rerun.isPending}
          disabled={!isSettled(document)}
        >
          <IconRefresh size={16} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>Make again by</Menu.Label>
        {choices.map(({ name, built_in: isBuiltIn }) => (
          <Menu.Item key={name} onClick={() => rerun.mutate({ part, model: name })}>
            {isBuiltIn ? "Built-in, extractive" : name}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
