import type { Question } from "@millrace/contracts";
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useSendOnce } from "../api/send-once.ts";
import { showDone, showProblem } from "../feedback/toasts.ts";
import { useLive, usePollInterval } from "../live/live-context.ts";
import { askKeys } from "./ask-keys.ts";
import { applyQuestionEvents, isOver, noQuestionNews } from "./ask-live.ts";
import type { QuestionNews } from "./ask-live.ts";
import { cancelQuestion, createQuestion, deleteQuestion, listQuestions } from "./ask-requests.ts";

const pageSize = 20;

/** Questions, newest first, a page more each time. */
export function useQuestions() {
  return useInfiniteQuery({
    queryKey: askKeys.list,
    queryFn: ({ pageParam, signal }) => listQuestions({ limit: pageSize, cursor: pageParam }, signal),
    // Typed by hand: the first page has no cursor.
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    refetchInterval: usePollInterval(),
  });
}

/** What is being done for a question, from its beginning on; nothing once it is over. */
export function useQuestionNews(question: Question): QuestionNews {
  const { socket } = useLive();
  const queries = useQueryClient();
  const [news, setNews] = useState(noQuestionNews);
  const { id } = question;
  const isActive = !isOver(question);
  useEffect(() => {
    if (!isActive) return undefined;
    return socket.subscribe(
      `ask:${id}`,
      {
        onSnapshot: () => undefined,
        onReset: () => setNews(noQuestionNews),
        onEvents: (events) => {
          setNews((known) => applyQuestionEvents(known, events).news);
          if (applyQuestionEvents(noQuestionNews, events).isChanged)
            void queries.invalidateQueries({ queryKey: askKeys.list });
        },
      },
      { fromStart: true },
    );
  }, [socket, queries, id, isActive]);
  return news;
}

/** The same question once more, of the documents as they are now. */
export function useAskAgain() {
  const queries = useQueryClient();
  const createOnce = useSendOnce(createQuestion);
  return useMutation({
    mutationFn: ({ question, document_ids: ids, filters }: Question) =>
      createOnce({
        question,
        fresh: true,
        ...(ids === null ? {} : { document_ids: ids }),
        ...(filters === null ? {} : { filters }),
      }),
    onSuccess: () => queries.invalidateQueries({ queryKey: askKeys.list }),
    onError: (error) => showProblem("Not asked", error),
  });
}

export function useCancelQuestion() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (question: Question) => cancelQuestion(question.id),
    onError: (error) => showProblem("Not cancelled", error),
    onSettled: () => queries.invalidateQueries({ queryKey: askKeys.list }),
  });
}

export function useDeleteQuestion() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (question: Question) => deleteQuestion(question.id),
    onSuccess: () => {
      showDone("Deleted");
      return queries.invalidateQueries({ queryKey: askKeys.list });
    },
    onError: (error) => showProblem("Not deleted", error),
  });
}
