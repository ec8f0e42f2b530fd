"""The task of the benchmark, and the program that adds it: python3 tasks.py COUNT."""

import os
import sys
import time

from celery import Celery

app = Celery("bench", broker=os.environ["BROKER_URL"], backend=os.environ["RESULT_URL"])
app.conf.update(
    # As ours: a job whose worker dies runs again, and what it returned is kept.
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_ignore_result=False,
    # Between 4 and 500 nothing changes.
    worker_prefetch_multiplier=64,
    worker_send_task_events=False,
    worker_hijack_root_logger=False,
)

has_started = False


@app.task(name="bench.do_nothing")
def do_nothing(index):
    global has_started
    if not has_started:
        has_started = True
        app.backend.client.set("bench:first_start_ms", time.monotonic() * 1000, nx=True)
    return {"index": index}


def main():
    with app.connection_for_write() as connection, app.amqp.Producer(connection) as producer:
        for index in range(int(sys.argv[1])):
            do_nothing.apply_async((index,), producer=producer)


if __name__ == "__main__":
    main()
