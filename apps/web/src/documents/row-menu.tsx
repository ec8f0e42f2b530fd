import type { Document } from "@millrace/contracts";
import { ActionIcon, Menu } from "@mantine/core";
import IconDots from "@tabler/icons-react/dist/esm/icons/IconDots.mjs";
import IconPlayerStop from "@tabler/icons-react/dist/esm/icons/IconPlayerStop.mjs";
import IconRefresh from "@tabler/icons-react/dist/esm/icons/IconRefresh.mjs";
import IconRotateClockwise from "@tabler/icons-react/dist/esm/icons/IconRotateClockwise.mjs";
import IconTrash from "@tabler/icons-react/dist/esm/icons/IconTrash.mjs";
import { useState } from "react";
import { DeleteDialog } from "./delete-dialog.tsx";
import { isSettled } from "./statuses.ts";
import { useWorkAction } from "./use-document-actions.ts";

/** What can be done with a document from a list. */
export function RowMenu({ document }: { document: Document }) {
  const work = useWorkAction(document.id);
  const [isDeleting, setIsDeleting] = useState(false);
  const settled = isSettled(document);
  return (
    <>
      <Menu>
        <Menu.Target>
          <ActionIcon variant="subtle" color="gray" size="lg" aria-label={`Actions for ${document.title}`}>
            <IconDots size={18} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {document.status === "partial" ? (
            <Menu.Item
              leftSection={<IconRotateClockwise size={16} />}
              onClick={() => work.mutate("retry_failed")}
            >
              Retry failed parts
            </Menu.Item>
          ) : null}
          {settled ? (
            <Menu.Item leftSection={<IconRefresh size={16} />} onClick={() => work.mutate("reprocess")}>
              Reprocess
            </Menu.Item>
          ) : (
            <Menu.Item leftSection={<IconPlayerStop size={16} />} onClick={() => work.mutate("cancel")}>
              Cancel processing
            </Menu.Item>
          )}
          <Menu.Divider />
          <Menu.Item
            color="var(--bad)"
            leftSection={<IconTrash size={16} />}
            onClick={() => setIsDeleting(true)}
          >
            Delete…
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <DeleteDialog document={document} isOpen={isDeleting} onClose={() => setIsDeleting(false)} />
    </>
  );
}
