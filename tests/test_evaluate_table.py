"""The table that `cx-nlp evaluate` prints."""

import re

import numpy as np

from cx_nlp.evaluate import aspect_report, emotion_report
from cx_nlp.evaluate_table import format_report
from cx_nlp.schema import EMOTIONS


def test_a_report_fits_a_terminal_and_names_what_is_missing():
    draw = np.random.default_rng(0)
    probabilities, labels = draw.dirichlet([0.6, 0.6, 0.6], 1200), draw.choice([0, 2], 1200)
    report = aspect_report(probabilities, labels, rng=draw, model="minilm-cx@0123", groups=np.arange(1200) // 2)
    text = format_report(report)
    assert text.splitlines()[0] == "aspect  minilm-cx@0123  n = 1,200"
    low, high = report["ci"]["accuracy"]
    assert f"{report['accuracy']:.3f}  {low:.3f} to {high:.3f}" in text
    assert "macro-F1              -\n" in text
    assert re.search(r"^excess ECE +[-0-9.]+ +[-0-9.]+ to [0-9.]+$", text, flags=re.MULTILINE)
    assert "note, macro_f1: no row is labelled neutral" in text
    assert "intervals resample 600 texts" in text
    assert max(map(len, text.splitlines())) <= 80
    p = np.random.default_rng(1).random((100, 28)) * 0.5
    emotions = format_report(emotion_report(*(p, p > 0.3, p > 0.2), rng=draw))
    assert all(name in emotions for name in (*EMOTIONS, "micro-F1", "macro-precision", "ECE by label"))
    assert "predicted →" not in emotions


def test_long_notes_are_wrapped():
    nobody = np.zeros((40, 28), dtype=bool)
    report = emotion_report(np.full((40, 28), 0.1), nobody, nobody, rng=np.random.default_rng(0))
    lines = format_report(report).splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("note, macro_f1: no row is labelled admiration,"))
    assert lines[at + 1].startswith("  ") and max(map(len, lines)) <= 80
