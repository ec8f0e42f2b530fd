import type { Document } from "@millrace/contracts";
import { useNavigate } from "@tanstack/react-router";
import { ActionIcon, Button, Menu } from "@mantine/core";
import IconDots from "@tabler/icons-react/dist/esm/icons/IconDots.mjs";
import IconLink from "@tabler/icons-react/dist/esm/icons/IconLink.mjs";
import IconMessageQuestion from "@tabler/icons-react/dist/esm/icons/IconMessageQuestion.mjs";
import IconPlayerStop from "@tabler/icons-react/dist/esm/icons/IconPlayerStop.mjs";
import IconRefresh from "@tabler/icons-react/dist/esm/icons/IconRefresh.mjs";
import IconRotateClockwise from "@tabler/icons-react/dist/esm/icons/IconRotateClockwise.mjs";
import IconTrash from "@tabler/icons-react/dist/esm/icons/IconTrash.mjs";
import { useState } from "react";
import { DetailHeader } from "../parts/detail-header.tsx";
import { copyText } from "../feedback/copy.tsx";
import { showDone } from "../feedback/toasts.ts";
import { Moment } from "../formatting/moment.tsx";
import { DeleteDialog } from "./delete-dialog.tsx";
import { documentFacts } from "./document-summary-line.tsx";
import { ExportItems } from "./export-menu.tsx";
import { StatusBadge } from "./status-badge.tsx";
import { isLocked, isSettled } from "./statuses.ts";
import { TitleEditor } from "./title-editor.tsx";
import { useWorkAction } from "./use-document-actions.ts";

export function DocumentHeader({ document }: { document: Document }) {
  return (
    <DetailHeader
      listPath="/documents"
      listName="Documents"
      title={<TitleEditor document={document} />}
      facts={
        <>
          <StatusBadge status={document.status} />
          <span>{documentFacts(document)}</span>
          <span>
            Added <Moment value={document.created_at} withAbsolute />
          </span>
        </>
      }
      actions={
        <>
          <WorkButtons document={document} />
          <MoreMenu document={document} />
        </>
      }
    />
  );
}

function WorkButtons({ document }: { document: Document }) {
  const work = useWorkAction(document.id);
  const pending = work.isPending ? work.variables : undefined;
  if (!isSettled(document)) {
    return (
      <Button
        variant="default"
        leftSection={<IconPlayerStop size={17} />}
        loading={pending === "cancel"}
        onClick={() => work.mutate("cancel")}
      >
        Cancel
      </Button>
    );
  }
  return (
    <>
      {document.status === "partial" ? (
        <Button
          leftSection={<IconRotateClockwise size={17} />}
          loading={pending === "retry_failed"}
          onClick={() => work.mutate("retry_failed")}
        >
          Retry failed
        </Button>
      ) : null}
      <Button
        variant={isReprocessNext(document) ? "filled" : "default"}
        leftSection={<IconRefresh size={17} />}
        loading={pending === "reprocess"}
        onClick={() => work.mutate("reprocess")}
      >
        Reprocess
      </Button>
    </>
  );
}

/** Whether it is what one would do next. */
function isReprocessNext(document: Document): boolean {
  return document.status === "cancelled" || (document.status === "failed" && !isLocked(document));
}

function MoreMenu({ document }: { document: Document }) {
  const navigate = useNavigate();
  const [isDeleting, setIsDeleting] = useState(false);
  const copyLink = async () => {
    const link = new URL(`/documents/${document.id}`, location.href).href;
    if (await copyText(link)) showDone("Link copied");
  };
  return (
    <>
      <Menu>
        <Menu.Target>
          <ActionIcon variant="default" size={36} aria-label="More actions">
            <IconDots size={18} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item
            leftSection={<IconMessageQuestion size={16} />}
            onClick={() => void navigate({ to: "/ask", search: { document: document.id } })}
          >
            Ask this document
          </Menu.Item>
          <Menu.Item leftSection={<IconLink size={16} />} onClick={() => void copyLink()}>
            Copy link
          </Menu.Item>
          <ExportItems what={{ id: document.id }} />
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
      <DeleteDialog
        document={document}
        isOpen={isDeleting}
        onClose={() => setIsDeleting(false)}
        onDeleted={() => void navigate({ to: "/documents" })}
      />
    </>
  );
}
