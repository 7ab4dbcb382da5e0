"""Processes of a run's own: what a script that forgot its main guard is told."""

import subprocess
import sys

import pytest

SCRIPT = """
import os
from cx_nlp_pipelines.pool import pool

{guard}
    with pool(1, apart=True) as call:
        print("another process:", call(os.getpid) != os.getpid())
"""


@pytest.mark.parametrize(
    ("guard", "said"),
    [
        ('if __name__ == "__main__":', "another process: True"),
        ("if True:", 'UsageError: a process of this run ended before it began: a script must call this below if __name__ == "__main__":'),
    ],
)  # fmt: skip
def test_a_script_without_a_main_guard_is_told_so(guard, said, tmp_path):
    script = tmp_path / "night.py"
    script.write_text(SCRIPT.format(guard=guard))
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120)
    assert said in done.stdout + done.stderr, done.stderr
    assert (done.returncode == 0) == guard.startswith("if __name__")
