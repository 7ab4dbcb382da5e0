"""How often and how long tasks are tried, by config. The time of the whole night is shared out between its tasks."""

import time
from datetime import date, timedelta
from typing import Any

from prefect import Task
from prefect.client.schemas.objects import TaskRun
from prefect.states import State

from cx_nlp.errors import RunStopped, TransientError, UsageError
from cx_nlp.flow_config import FlowConfig


def may_help(_task: object, _run: TaskRun, state: State) -> bool:
    """Whether to try again: only what the error's type calls transient, and trouble with a file share."""
    error = state.result(raise_on_failure=False)
    return isinstance(error, TransientError | OSError)


# What a task says that is tried again; the config's own numbers take the place of these.
TRIED_AGAIN: dict[str, Any] = {
    "retries": 2,
    "retry_delay_seconds": [2, 10],
    "retry_jitter_factor": 0.5,
    "retry_condition_fn": may_help,
}


def day(text: str, name: str) -> date:
    """A flow's parameter as a date; Prefect's page and API take any text. Raises UsageError that names it."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{name}: {text[:40]!r} is not a date such as 2026-03-02") from None


def days(first: str, last: str) -> tuple[date, date]:
    """Both included. Raises UsageError for what is no date, and for a range that ends before it begins."""
    found = day(first, "first"), day(last, "last")
    if found[0] > found[1]:
        raise UsageError(f"first: {first} is after last: {last}")
    return found


class Timed:
    """timed(task) is the task with the config's timeouts, and its retries if it is one that is tried again.

    A task gets the shorter of its own time and of what is left of the night's. A commit is not to be timed: once it has
    begun, the shortest way to a whole lake is its end.
    """

    def __init__(self, config: FlowConfig) -> None:
        self.config = config
        self.ends_at = None if config.timeout is None else time.monotonic() + config.timeout.total_seconds()

    def __call__(self, task: Task) -> Task:
        options: dict[str, Any] = {"timeout_seconds": self._seconds(task.name)}
        if task.retries:
            options |= {
                "retries": self.config.retries,
                "retry_delay_seconds": self.config.retry_delay,
                "retry_jitter_factor": self.config.jitter,
            }
        return task.with_options(**options)

    def _seconds(self, task: str) -> float | None:
        """Raises RunStopped where the night's time is over."""
        own = self.config.task_timeout
        left = None if self.ends_at is None else self.ends_at - time.monotonic()
        if left is not None and left <= 0:
            allowed = self.config.timeout or timedelta(0)
            raise RunStopped(f"out of time before task {task}: flow.timeout is {allowed}; nothing was replaced")
        return min((s for s in (own and own.total_seconds(), left) if s is not None), default=None)
