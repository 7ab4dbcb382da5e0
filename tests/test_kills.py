"""Twenty kills here; more by `python -m tests.kills --n 500`."""

import random

from tests import kills


def test_twenty_kills_lose_nothing_and_double_nothing(tmp_path):
    found = kills.kill(20, chance=random.Random(20260301), root=tmp_path, context=kills.forkserver(), figures=False)
    assert found["killed"] == 20
