"""The command line as the tests of its commands call it."""

import logging

import pytest

from cx_nlp.cli import main


@pytest.fixture
def cx(capsys, tmp_path, monkeypatch):
    """Run the command in an empty folder -> (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: object) -> tuple[int, str, str]:
        code = 0
        monkeypatch.setattr(logging.getLogger(), "handlers", [])  # pytest's own, or no line would reach stderr
        try:
            main([str(a) for a in arguments])
        except SystemExit as stop:
            code = stop.code or 0
        out, err = capsys.readouterr()
        return code, out, err

    return call
