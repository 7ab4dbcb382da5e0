import datetime as dt
import zlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from cx_nlp import discovery, doctor, schema, store
from cx_nlp.discovery_config import DiscoveryConfig
from cx_nlp.errors import LakeError
from cx_nlp.score.scorer import Scorer, score_rows
from cx_nlp.store import files
from cx_nlp.themes.registry import Registry, forget
from cx_nlp.themes.taxonomy import Taxonomy, Theme, load_taxonomies
from cx_nlp.themes.vectors import grid
from tests import tiny_model
from tests.store import nights
from tests.themes import planted

SETTINGS = DiscoveryConfig(min_mentions=12, min_customers=5)
TAXONOMY = Taxonomy("shop-1", (Theme("shop/price", "Price"),))
AXES = planted.directions(len(planted.WORDS))
FAKE = SimpleNamespace(model=SimpleNamespace(vectors="fake@" + "0" * 12, hidden=planted.WIDTH))


def score(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, None]:
    """Each text "zipper 7" is a mention of its first word; one that is no planted theme lies anywhere."""
    mentions = []
    for source, feedback_id, text in zip(rows["source"], rows["feedback_id"], rows["text"], strict=True):
        word = text.split()[0]
        rng = np.random.default_rng(zlib.crc32(text.encode()))
        known = word in planted.WORDS
        vector = (
            planted.around(AXES[planted.WORDS.index(word)], 1, rng=rng)[0] if known else rng.normal(size=planted.WIDTH)
        )
        if word != "silent":
            mentions.append(
                {"source": source, "feedback_id": feedback_id, "mention_id": 0, "mention": word, "start": 0,
                 "end": len(word), "sentence": 0, "is_negated": False, "method": "none", "vector": vector}
            )  # fmt: skip
    frame = pd.DataFrame(mentions, columns=[*schema.THEME_MENTIONS.names, "vector"], dtype="object")
    return nights.score(rows)[0], frame, None


def rows_of(night: int, counts: dict[str, int]) -> list[dict]:
    date = f"2026-02-{night + 1:02}"
    return [
        nights.row(f"{night}-{word}-{i}", f"{word} {night} {i}", date, file=f"{i % 2}.csv")
        for word, n in counts.items()
        for i in range(n)
    ]


def prepared(lake: Path, run_id: str, rows: list[dict], settings: DiscoveryConfig = SETTINGS, **options):
    options = {"group": 1, "slice_rows": 50} | options
    plan, built = nights.prepare(lake, run_id, rows, scorer=score, keeps_vectors=settings.enabled, **options)
    return plan, discovery.discover(plan, built, lambda: FAKE, settings)


def night(
    lake: Path, run_id: str, rows: list[dict], settings: DiscoveryConfig = SETTINGS, step=None, **options
) -> None:
    with store.locked(lake, holder=run_id):
        plan, built = prepared(lake, run_id, rows, settings, **options)
        themes = discovery.themes_of(lake, built, TAXONOMY)
        nights.commit(plan, built, themes=themes, step=step or (lambda name: None))


FIRST = {"zipper": 30, "lantern": 25, "mist": 20, "silent": 3}


@pytest.fixture(scope="module")
def begun(tmp_path_factory) -> Path:
    """A lake after a night that founds two themes."""
    lake = tmp_path_factory.mktemp("begun") / "lake"
    night(lake, "n0", rows_of(0, FIRST))
    return lake


@pytest.fixture
def lake(begun, tmp_path) -> Path:
    import shutil

    return Path(shutil.copytree(begun, tmp_path / "lake"))


def themes_by_word(lake: Path) -> dict[str, set[str | None]]:
    found: dict[str, set[str | None]] = {}
    for word, theme in nights.table(lake, "theme_mentions", "mention, theme_id"):
        found.setdefault(word, set()).add(theme)
    return found


def test_a_disk_that_is_full_while_themes_are_written_leaves_the_runs_files_whole(lake, monkeypatch):
    made = files.write_table

    def full(path, *given, **options):
        if path.parent.name == "themed":
            made(path, *given, **options)
            raise LakeError("No space left on device")
        return made(path, *given, **options)

    with store.locked(lake, holder="n1"):
        monkeypatch.setattr(files, "write_table", full)
        with pytest.raises(LakeError, match="No space left"):
            prepared(lake, "n1", rows_of(1, FIRST))
        monkeypatch.setattr(files, "write_table", made)
        left = sorted((lake / "theme_mentions").rglob("*n1*"))
        assert left and all(pq.read_table(path).num_rows for path in left)
        plan, built = prepared(lake, "n1", rows_of(1, FIRST))
        nights.commit(plan, built, themes=discovery.themes_of(lake, built, TAXONOMY))
    assert themes_by_word(lake)["zipper"] - {None} == {"new/1"} and doctor.check_lake(lake) == []


def test_a_night_writes_ids_and_themes_in_one_commit(begun):
    of_word = themes_by_word(begun)
    assert of_word["mist"] == {None} and "silent" not in of_word
    assert of_word["zipper"] - {None} == {"new/1"} and of_word["lantern"] - {None} == {"new/2"}
    themes = nights.table(begun, "themes", "theme_id, theme, kind, status, first_seen::VARCHAR")
    assert themes == [
        ("new/1", "zipper", "discovered", "active", "2026-02-01"),
        ("new/2", "lantern", "discovered", "active", "2026-02-01"),
        ("shop/price", "Price", "taxonomy", "active", None),
    ]
    methods = nights.table(
        begun, "theme_mentions", "DISTINCT theme_id IS NULL, method, theme_score IS NULL, themes_version"
    )
    assert methods == [(False, "discovered", False, "registry-1"), (True, "none", True, None)]
    assert doctor.check_lake(begun) == []


def test_the_share_without_a_theme_is_a_figure_of_the_run(begun):
    [(mentions, themeless)] = nights.table(begun, "runs", "mentions, themeless")
    without = nights.table(begun, "theme_mentions", "count(*)", "theme_id IS NULL")
    assert mentions == 75 and (themeless,) == without[0] and themeless >= 20


def test_the_next_night_keeps_the_ids_and_adds_one(lake):
    night(lake, "n1", rows_of(1, {"lantern": 10, "zipper": 10, "saddle": 30, "mist": 5}))
    later = {word: themes - {None} for word, themes in themes_by_word(lake).items()}
    assert later == {"zipper": {"new/1"}, "lantern": {"new/2"}, "saddle": {"new/3"}, "mist": set()}


def test_a_rerun_changes_no_byte(lake):
    before = nights.snapshot(lake)
    night(lake, "n1", rows_of(0, FIRST))
    assert nights.snapshot(lake) == before


def test_neither_order_nor_slices_change_an_id(begun, tmp_path):
    other = tmp_path / "other"
    night(other, "n0", rows_of(0, FIRST)[::-1], slice_rows=17)
    names = ("_registry/themes.json", "_registry/mentions.parquet")
    assert [(other / name).read_bytes() for name in names] == [(begun / name).read_bytes() for name in names]
    assert nights.content(other) == nights.content(begun)


def test_three_rows_found_nothing_and_no_rows_are_a_night(tmp_path):
    lake = tmp_path / "lake"
    night(lake, "n0", rows_of(0, {"zipper": 3}))
    assert themes_by_word(lake) == {"zipper": {None}} and len(nights.table(lake, "themes")) == 1
    before = nights.snapshot(lake)
    night(lake, "n1", [])
    assert nights.snapshot(lake) == before


def test_texts_without_mentions_are_a_night(tmp_path):
    night(tmp_path / "lake", "n0", rows_of(0, {"silent": 4}))
    assert not nights.table(tmp_path / "lake", "theme_mentions") and not (tmp_path / "lake/_registry").exists()


def test_discovery_can_be_left_out(tmp_path):
    lake = tmp_path / "lake"
    night(lake, "n0", rows_of(0, FIRST), DiscoveryConfig(enabled=False))
    assert themes_by_word(lake)["zipper"] == {None} and not (lake / "_registry").exists()
    assert nights.table(lake, "runs", "mentions, themeless") == [(75, 75)]


class Killed(BaseException):
    pass


def killed_at(name: str):
    def step(reached: str) -> None:
        if reached == name:
            raise Killed

    return step


@pytest.mark.parametrize("at, is_done", [("synced", False), ("journal written", False), ("journal in place", True)])
def test_a_kill_leaves_the_registry_of_one_state_or_the_other(lake, at, is_done):
    before = discovery.read_registry(lake)
    with pytest.raises(Killed):
        night(lake, "n1", rows_of(1, {"saddle": 30}), step=killed_at(at))
    assert discovery.read_registry(lake).next_number == before.next_number
    with store.locked(lake):
        store.open_lake(lake)
    after = discovery.read_registry(lake)
    assert after.next_number == before.next_number + is_done
    assert ("saddle" in themes_by_word(lake)) == is_done
    assert not list((lake / "_registry").glob(".*")) and doctor.check_lake(lake) == []


def test_what_leaves_the_lake_leaves_the_registry(lake):
    held = discovery.read_registry(lake).mentions["feedback_id"].tolist()
    gone, edited = held[0], held[1]
    rows = [
        nights.row(gone, "", "2026-02-01", is_deleted=True, updated_at="2026-02-03T00:00:00"),
        nights.row(edited, "mist is new", "2026-02-01", updated_at="2026-02-03T00:00:00"),
    ]
    night(lake, "n1", rows)
    mentions = discovery.read_registry(lake).mentions
    assert gone not in set(mentions["feedback_id"])
    assert mentions.loc[mentions["feedback_id"] == edited, "mention"].tolist() == ["mist"]


def test_the_registry_can_be_written_without_a_night(lake):
    registry = discovery.read_registry(lake)
    keys = list(zip(registry.mentions["source"], registry.mentions["feedback_id"], strict=True))[:4]
    writes = discovery.write_registry(lake, "f1", forget(registry, keys))
    assert [final.name for _, final in writes] == ["mentions.parquet"]
    assert pq.read_table(writes[0][0]).num_rows == len(registry.mentions) - 4
    for temporary, _ in writes:
        temporary.unlink()
    assert discovery.write_registry(lake, "f1", registry) == []


def test_another_model_reads_the_stored_mentions_in_their_texts(tmp_path):
    """What is embedded anew is what the scorer would hand out for the same mention."""
    scorer = Scorer.load(model=str(tiny_model.build(tmp_path / "model")), taxonomy=load_taxonomies([]), threads=1)
    texts = pd.Series(["The rude waiter and the lovely soup", "A terrible zipper on the great coat"])
    lake = tmp_path / "lake"
    rows = [nights.row(str(i), text, file="a.csv") for i, text in enumerate(texts)]
    nights.night(lake, "n0", rows)
    _, mentions, _ = score_rows(scorer, texts, vectors="all")
    stored = mentions.assign(
        number=0, step=1, source="survey", feedback_id=mentions["row"].astype(str), customer="c", may_quote=None,
        feedback_date=rows[0]["feedback_date"],
    )[list(schema.REGISTRY.names[:-1])]  # fmt: skip
    registry = Registry(model="old@0", mentions=stored, vectors=np.zeros((len(stored), 9), dtype=np.int16))
    plan = SimpleNamespace(lake=lake, folder=files.staging(lake, "n1"))
    moved = discovery.under_model(registry, plan, lambda: scorer)
    assert moved.model == scorer.model.vectors and len(mentions) > 2
    handed_out = grid(np.stack(mentions["vector"].to_list()).astype(np.float32))
    assert np.abs(moved.vectors.astype(int) - handed_out).max() <= 1
    assert discovery.under_model(moved, plan, lambda: scorer).vectors is moved.vectors


def test_settings_are_checked():
    for wrong in ({"min_mentions": 3}, {"min_customers": 1}, {"sample": 9_000}, {"other": 1}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            DiscoveryConfig.model_validate(wrong)


def rescored(
    lake: Path, run_id: str, monkeypatch, *, scale: float = 0.25, settings: DiscoveryConfig = SETTINGS
) -> None:
    """The whole lake scored again by another model: the same space turned, and every vector moved a little."""
    turn = planted.directions(planted.WIDTH, seed=9)

    def seen(vector: np.ndarray, text: str) -> np.ndarray:
        rng = np.random.default_rng([1, zlib.crc32(text.encode())])
        noise = rng.normal(size=planted.WIDTH)
        return (vector / np.linalg.norm(vector)) @ turn + scale * noise / np.linalg.norm(noise)

    def by_other(rows: pd.DataFrame):
        feedback, mentions, sentences = score(rows)
        texts = dict(zip(rows["feedback_id"], rows["text"], strict=True))
        named = zip(mentions["vector"], mentions["feedback_id"], strict=True)
        return feedback, mentions.assign(vector=[seen(vector, texts[key]) for vector, key in named]), sentences

    def span_means(texts, spans):
        for text, its in zip(texts, spans, strict=True):
            [vector] = score(nights.frame([nights.row("x", text)]))[1]["vector"]
            yield SimpleNamespace(means=np.stack([seen(vector, text)] * (len(its) + 1)))

    model = SimpleNamespace(vectors="other@" + "1" * 12, theme_width=planted.WIDTH)
    other = SimpleNamespace(model=model, encoder=SimpleNamespace(span_means=span_means))
    monkeypatch.setattr("cx_nlp.score.heads.theme_vectors", lambda model, means: means)
    wanted = store.rescoring.Wanted({"en": ("other@111111111111", "fake fp32", False)}, TAXONOMY.version, False)
    with store.locked(lake, holder=run_id):
        always = (dt.date(2026, 1, 1), dt.date(2026, 12, 31))
        plan = store.rescoring.plan(lake, run_id, started_at=nights.START, wanted=wanted, dates=always)
        built = [
            store.build(plan, dates, discovery.keeping(plan, dates, by_other), slice_rows=50)
            for dates in plan.groups(1)
        ]
        built = discovery.discover(plan, built, lambda: other, settings)
        nights.commit(plan, built, themes=discovery.themes_of(lake, built, TAXONOMY))


def ids(lake: Path) -> dict[str, str]:
    return dict(nights.table(lake, "theme_mentions", "feedback_id, theme_id", "theme_id IS NOT NULL"))


def test_a_rescore_by_another_model_keeps_exemplars_and_ids(lake, monkeypatch):
    night(lake, "n1", rows_of(1, {"zipper": 12, "lantern": 12, "mist": 5}))
    before, had = discovery.read_registry(lake), ids(lake)
    assert len(had) > 60
    rescored(lake, "r1", monkeypatch)
    after, has = discovery.read_registry(lake), ids(lake)
    assert after.model == "other@" + "1" * 12 and [one.number for one in after.active] == [1, 2]
    stored = [one.mentions[one.numbers > 0].astype(str).to_numpy().tolist() for one in (before, after)]
    assert stored[0] == stored[1]
    kept = [has.get(key) == theme for key, theme in had.items()]
    assert np.mean(kept) > 0.95
    exemplars = dict(zip(after.mentions["feedback_id"], after.numbers, strict=True))
    assert all(has[key] == f"new/{number}" for key, number in exemplars.items() if number)
    assert not after.mentions.duplicated(["source", "feedback_id", "mention_id"]).any()
    assert doctor.check_lake(lake) == []
