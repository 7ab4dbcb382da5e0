"""prefect.yaml is what it says: flows that exist, parameters that they take, crons, and configs that load."""

import importlib
import inspect
from pathlib import Path

import pytest
import yaml
from cx_nlp_pipelines import serving
from prefect import Flow, Task
from prefect.cache_policies import NO_CACHE

from cx_nlp.config import load_config

ROOT = Path(__file__).parents[2]
DEPLOYMENTS = {one["name"]: one for one in yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]}


def flow_of(deployment: dict) -> Flow:
    module, _, name = deployment["entrypoint"].rpartition(".")
    return getattr(importlib.import_module(module), name)


def test_nightly_backfill_and_evaluation_are_on_cron():
    assert {"nightly", "backfill", "evaluation", "watch"} == set(DEPLOYMENTS)


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_a_deployment_fits_its_flow(name):
    one = DEPLOYMENTS[name]
    flow = flow_of(one)
    assert isinstance(flow, Flow) and flow.name == name
    inspect.signature(flow.fn).bind(**one["parameters"])
    assert load_config(ROOT / one["parameters"]["config"]).sources
    for schedule in one["schedules"]:
        assert serving._times(schedule["cron"], schedule["timezone"])
    assert one["work_pool"] == {"name": "cx-nlp"} and "cx-nlp" in one["tags"]


def test_two_nights_at_once_wait_for_each_other():
    assert DEPLOYMENTS["nightly"]["concurrency_limit"] == {"limit": 1, "collision_strategy": "ENQUEUE"}


def test_no_task_can_give_a_score_of_another_night():
    """A cached result would be stale: the lake, the model's files and the sources are no part of a task's arguments."""
    tasks = {}
    for path in (ROOT / "pipelines").glob("[!_]*.py"):
        module = importlib.import_module(f"cx_nlp_pipelines.{path.stem}")
        tasks |= {f"{path.stem}.{name}": one for name, one in vars(module).items() if isinstance(one, Task)}
    assert {"nightly.take", "nightly.score", "scaling.score_part", "evaluation.judge"} <= set(tasks)
    wrong = [name for name, one in tasks.items() if one.cache_policy != NO_CACHE or one.persist_result]
    assert wrong == []


def test_only_reading_and_copying_out_are_tried_again():
    from cx_nlp_pipelines import nightly

    tasks = {name: one.retries for name, one in vars(nightly).items() if isinstance(one, Task)}
    assert {name for name, retries in tasks.items() if retries} == {"take", "copy_out"}
