"""The evaluation flow: the config's model on labelled files, so that a change of figures is seen before it is believed.

    cx-nlp-config.yaml                            prefect.yaml, or from Python
      evaluation:                                   from cx_nlp_pipelines.evaluation import evaluation
        tweets:                                     evaluation("cx-nlp-config.yaml")
          task: sentiment
          data: labelled/tweets.csv
          floor: {macro_f1: 0.6}

Each file gives one row of figures with n and bootstrap intervals, as `cx-nlp evaluate` prints them.
"""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import cx_nlp_pipelines  # noqa: F401  (sets Prefect quiet and offline before it is imported)
from cx_nlp_pipelines import artifacts, hooks, options
from cx_nlp_pipelines.quiet import quiet
from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from cx_nlp.config import Config, load_config
from cx_nlp.errors import RunStopped, UnknownName, UsageError
from cx_nlp.flow_config import EvaluationConfig

_SEED = 0  # of the bootstrap: the same file gives the same intervals


@task(cache_policy=NO_CACHE, task_run_name="judge-{name}", tags=["cx-nlp"])
@quiet
def judge(name: str, settings: Config, one: EvaluationConfig) -> dict[str, Any]:
    """A labelled file -> the report of `cx-nlp evaluate`."""
    import numpy as np

    from cx_nlp.labelled import COLUMNS, read_labelled
    from cx_nlp.score.judge import JUDGES
    from cx_nlp.score.predict import Predictor

    rows = read_labelled(Path(one.data), COLUMNS[one.task])
    predictor = Predictor.load(settings.model, engine=settings.engine)
    return JUDGES[one.task](predictor, rows, rng=np.random.default_rng(_SEED))


def figures(name: str, report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A report -> rows of name, task, model, figure, value, low, high, n: one a figure that has an interval."""
    head = {key: report[key] for key in ("task", "model", "n")}
    return [
        {"name": name, **head, "figure": figure, "value": report[figure], "low": low, "high": high}
        for figure, (low, high) in report["ci"].items()
        if report.get(figure) is not None
    ]


def below(rows: list[dict[str, Any]], floor: Mapping[str, float]) -> list[str]:
    """What lies below its floor beyond doubt: with its whole interval. Raises UnknownName for a figure that is not there."""
    by_figure = {row["figure"]: row for row in rows}
    found = []
    for figure, least in floor.items():
        if figure not in by_figure:
            raise UnknownName("figure of floor", figure, by_figure)
        row = by_figure[figure]
        if row["high"] < least:
            found.append(
                f"{row['name']}: {figure} {row['value']:.3f} [{row['low']:.3f}, {row['high']:.3f}] (n {row['n']:,}), "
                f"expected {least:g}"
            )
    return found


@flow(
    name="evaluation",
    flow_run_name=lambda: f"evaluation-{date.today().isoformat()}",
    on_failure=[hooks.tell],
    on_crashed=[hooks.tell],
)
@quiet
def evaluation(config: str) -> list[dict[str, Any]]:
    """Figures of all labelled files of a config, as a table on Prefect's page; -> its rows.

    Raises UsageError for a config without `evaluation`, RunStopped where a figure lies below its floor.
    """
    from cx_nlp.score.judge import JUDGES

    settings = load_config(Path(config))
    if not settings.evaluation:
        raise UsageError(f"{config}: no `evaluation`: expected labelled files by name")
    for name, one in settings.evaluation.items():
        if one.task not in JUDGES:
            raise UnknownName("task", one.task, JUDGES, f"{config}: evaluation.{name}")
    timed = options.Timed(settings.flow)
    rows: list[dict[str, Any]] = []
    low: list[str] = []
    for name, one in settings.evaluation.items():
        mine = figures(name, timed(judge)(name, settings, one))
        rows += mine
        low += below(mine, one.floor)
    artifacts.table("evaluation-figures", rows, run_id=str(date.today()))
    if low:
        raise RunStopped("; ".join(low))
    return rows
