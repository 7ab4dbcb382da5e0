"""The benchmark of nights: how it reads a run's log, and what it calls overhead."""

import json

import pytest

from models.recipes.benchmark_nights import Result, format_table, stage_seconds, tree_bytes


def lines(**seconds: float) -> list[str]:
    said = [json.dumps({"stage": stage, "seconds": s, "message": "took"}) for stage, s in seconds.items()]
    return ["no JSON at all", json.dumps({"stage": "read", "rows": 5}), *said]


def test_stages_add_up_to_the_wall_clock():
    spent = stage_seconds(lines(read=2, resolve=1, score=50, scorer=45, measure=3, quality=0.5, commit=0.5), wall=65)
    assert spent["score"] == 45 and spent["store"] == 5 and spent["flow"] == pytest.approx(8)
    assert sum(spent.values()) == pytest.approx(65)


def test_a_stage_that_is_entered_again_adds_up():
    assert stage_seconds([*lines(quality=1), *lines(quality=2, scorer=3, score=4)], wall=10)["quality"] == 3


def test_overhead_is_flow_and_store_beside_scoring():
    spent = stage_seconds(lines(read=2, resolve=1, score=50, scorer=45, measure=3, commit=0.5), wall=60)
    one = Result(10_000, spent, 60.0, 95.0, 2**30)
    assert one.overhead == pytest.approx((1 + 5 + 0.5 + 3.5) / 45)
    table = format_table([one, one])
    assert table.count("\n") == 2 and "1,024" in table and "22.2%" in table
    assert one.as_dict()["rows_per_second_of_stage"]["score"] == round(10_000 / 45)


def test_memory_of_a_process_is_positive_and_of_none_is_not():
    import os

    assert tree_bytes(os.getpid()) > 2**20
    assert tree_bytes(2**22 - 1) == 0


def test_processor_seconds_of_a_child_are_counted():
    import subprocess
    import sys

    from models.recipes import benchmark_nights

    before = benchmark_nights._core_seconds()
    subprocess.run([sys.executable, "-c", "sum(i * i for i in range(3_000_000))"], check=True)
    assert benchmark_nights._core_seconds() - before > 0.05


def test_a_night_of_the_scaled_sample_ends_well(tmp_path, tiny):
    from models.recipes.benchmark_nights import night

    one = night(300, tmp_path, model=str(tiny), engine=None, workers=None)
    assert 200 < one.rows < 400 and one.seconds["score"] > 0 and one.core_seconds > 1 and one.peak > 2**27
