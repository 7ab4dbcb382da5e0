from pathlib import Path

import pyarrow.parquet as pq
import pytest

from cx_nlp import discovery, doctor, store
from cx_nlp.discovery_config import DiscoveryConfig
from cx_nlp.errors import LakeError
from cx_nlp.store import files
from cx_nlp.themes.registry import forget
from tests.discovered import FIRST, TAXONOMY, night, prepared, rows_of
from tests.store import nights


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


def test_settings_are_checked():
    for wrong in ({"min_mentions": 3}, {"min_customers": 1}, {"sample": 9_000}, {"other": 1}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            DiscoveryConfig.model_validate(wrong)
