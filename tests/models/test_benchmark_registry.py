"""The benchmark of discovery: what is said by many becomes themes, and all of it goes through the night's own code."""

from models.recipes import benchmark_registry


def test_mentions_around_centres_get_themes(tmp_path, monkeypatch):
    monkeypatch.setattr(benchmark_registry, "CENTRES", 20)
    found = benchmark_registry.run(tmp_path / "lake", mentions=3_000, days=3)
    assert found["mentions"] == 3_000
    assert 0.4 < found["got_a_theme"] / 3_000 < 0.65, "six of ten lie around a centre"
    assert found["seconds"] > 0 and found["peak_mib"] > 50
