"""Progress: plain lines in a log, a bar on a terminal."""

import logging
import os
import pty
import subprocess
import sys

from cx_nlp import progress


def test_elsewhere_lines_come_now_and_then(monkeypatch, caplog):
    clock = iter([0.0, 1.0, 11.0, 11.0, 12.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(progress.sys.stderr, "isatty", lambda: False, raising=False)
    with caplog.at_level(logging.INFO, logger="cx_nlp"), progress.bar("scoring", total=100) as step:
        step(10)
        step(40)
        step(10)
    assert [record.getMessage() for record in caplog.records] == ["scoring: 50 of 100 rows, 5 a second"]


def test_on_a_terminal_a_bar_is_drawn():
    code = "from cx_nlp import progress\nwith progress.bar('scoring', total=4) as step:\n    step(2)\n    step(2)"
    ours, theirs = pty.openpty()
    subprocess.run([sys.executable, "-c", code], stderr=theirs, check=True, env=os.environ | {"TERM": "xterm"})
    os.close(theirs)
    shown = os.read(ours, 65536).decode()
    os.close(ours)
    assert "scoring" in shown and "4/4" in shown
