import json

import numpy as np

from models.recipes.benchmark_engines import benchmark, compare, format_report


def test_a_report_covers_every_engine_and_reads_aloud(tiny):
    texts = [" ".join(["good", "bad", "x"][: 1 + i % 3] * (1 + i % 5)) for i in range(20)]
    report = benchmark(tiny, texts, rounds=1, threads=1, rng=np.random.default_rng(0))
    exact = report["engines"]["onnxruntime-fp32"]
    assert report["n"] == 20 and exact["ratio"] == {"median": 1.0, "low": 1.0, "high": 1.0}
    assert exact["against_float32"]["shift"] == 0 and exact["texts_per_second"]["median"] > 0
    for name, one in report["engines"].items():
        assert "skipped" in one or one["neighbours"]["shift"] <= 0.01, name
        assert name in format_report(report)
    json.dumps(report)


def test_differences_are_counted_by_text(tiny):
    from cx_nlp.score.model import load_model

    glad, angry = [8, 0, 0, 8, 0, 0], [0, 8, 8, 0, 0, 0]
    one, two = (np.array(rows, dtype=np.float32) for rows in ([glad, glad, angry], [glad, angry, angry]))
    found = compare(load_model(str(tiny)), one, two, np.full(3, 32))
    assert found["sentiments_changed"] == found["emotion_sets_changed"] == 1 and found["shift"] > 0.9
