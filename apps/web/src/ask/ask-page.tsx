import { Skeleton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import IconMessageQuestion from "@tabler/icons-react/dist/esm/icons/IconMessageQuestion.mjs";
import { queryKeys } from "../api/query-keys.ts";
import { fetchDocument, fetchDocumentStats } from "../api/requests.ts";
import { PageHeading } from "../parts/page-heading.tsx";
import { ButtonLink } from "../parts/button-link.tsx";
import { LoadMore } from "../parts/load-more.tsx";
import { useAnnouncedPage, usePageTitle } from "../app/page-title.ts";
import { EmptyState } from "../feedback/empty-state.tsx";
import { LoadFailure } from "../feedback/load-failure.tsx";
import { askKeys } from "./ask-keys.ts";
import { AskForm } from "./ask-form.tsx";
import classes from "./ask-page.module.css";
import { QuestionCard } from "./question-card.tsx";
import { useQuestions } from "./use-questions.ts";

const route = getRouteApi("/ask");

/** Questions to one's documents: ask, watch the answer come, find the former ones. */
export function AskPage() {
  usePageTitle("Ask");
  useAnnouncedPage("Ask");
  const { document: documentId } = route.useSearch();
  const list = useQuestions();
  const questions = list.data?.pages.flatMap((page) => page.data) ?? [];
  return (
    <div className={classes.page}>
      <PageHeading>Ask</PageHeading>
      {documentId === undefined ? null : <OnlyIn documentId={documentId} />}
      <AskForm key={documentId} documentId={documentId} />
      <section aria-labelledby="former-questions">
        <h2 id="former-questions" className={classes.subheading}>
          Your questions
        </h2>
        {list.isPending ? (
          <div className={classes.list} aria-label="Loading questions" role="status">
            <Skeleton height={120} radius={12} />
            <Skeleton height={120} radius={12} />
          </div>
        ) : list.isError && questions.length === 0 ? (
          <LoadFailure what="The questions" error={list.error} onRetry={() => void list.refetch()} />
        ) : questions.length === 0 ? (
          <NoQuestion />
        ) : (
          <ul className={classes.list}>
            {questions.map((question) => (
              <QuestionCard key={question.id} question={question} />
            ))}
          </ul>
        )}
        <LoadMore list={list} />
      </section>
    </div>
  );
}

function OnlyIn({ documentId }: { documentId: string }) {
  const document = useQuery({
    queryKey: askKeys.document(documentId),
    queryFn: ({ signal }) => fetchDocument(documentId, signal),
  });
  if (document.isError)
    return <LoadFailure what="The document" error={document.error} onRetry={() => void document.refetch()} />;
  return (
    <p className={classes.only}>
      Asking only{" "}
      <Link to="/documents/$id" params={{ id: documentId }}>
        {document.data?.title ?? "this document"}
      </Link>
      . <Link to="/ask">Ask all documents</Link>
    </p>
  );
}

function NoQuestion() {
  const stats = useQuery({
    queryKey: queryKeys.documentStats,
    queryFn: ({ signal }) => fetchDocumentStats(signal),
  }).data;
  if (stats?.total === 0) {
    return (
      <EmptyState
        icon={<IconMessageQuestion size={26} />}
        title="There is nothing to ask yet"
        action={<ButtonLink to="/">Add or try a sample</ButtonLink>}
      >
        Answers come out of your documents. They can be asked as soon as their text has been read.
      </EmptyState>
    );
  }
  return (
    <EmptyState icon={<IconMessageQuestion size={26} />} title="No questions yet">
      Ask in your own words. The answer names the places in your documents that say so, or says that they do
      not.
    </EmptyState>
  );
}
