"""Where a checkpoint's files come from: a folder, the cache, the hub at one commit; never a pickle."""

import json
import os
import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest

from cx_nlp.errors import ModelError
from cx_nlp.score import hub
from tests import tiny_checkpoint

REVISION = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return tiny_checkpoint.build(tmp_path_factory.mktemp("hub") / "own")


def test_a_missing_folder_is_said(tmp_path):
    with pytest.raises(ModelError, match="checkpoint folder not found"):
        hub.locate(str(tmp_path / "none"), None)


def test_pickled_weights_are_refused(tmp_path, checkpoint):
    folder = shutil.copytree(checkpoint, tmp_path / "pickled")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"only pytorch_model\.bin, and pickled weights are never opened") as caught:
        hub.locate(str(folder), None)
    assert "\n" not in str(caught.value)
    (folder / "pytorch_model.bin").unlink()
    with pytest.raises(ModelError, match="holds no weights"):
        hub.locate(str(folder), None)


def test_weights_in_several_files_must_all_be_there(tmp_path, checkpoint):
    folder = shutil.copytree(checkpoint, tmp_path / "shards")
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    with pytest.raises(ModelError, match=r"model-00002-of-00002\.safetensors is missing"):
        hub.locate(str(folder), None)
    (folder / "model-00002-of-00002.safetensors").write_bytes(b"other")
    assert [path.name[:11] for path in hub.weight_files(hub.locate(str(folder), None))] == [
        "model-00001",
        "model-00002",
    ]
    assert hub.digest(folder) != hub.digest(checkpoint)


def test_a_changed_file_changes_the_fingerprint(tmp_path, checkpoint):
    folder = shutil.copytree(checkpoint, tmp_path / "own")
    before = hub.fingerprint(folder)
    assert hub.fingerprint(folder) == before
    (folder / "config.json").write_text((folder / "config.json").read_text() + " ")
    assert hub.fingerprint(folder) != before


LOCATE = """
import sys
from cx_nlp.errors import ModelError
from cx_nlp.score import hub
try:
    print(hub.locate("owner/name", sys.argv[1]))
except ModelError as error:
    print(error, file=sys.stderr)
"""


def locate(home, **environment):
    """In a process of its own: the library reads its settings once, when it is imported."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    env |= {"HF_HOME": str(home), **environment}
    command = [sys.executable, "-c", LOCATE, REVISION]
    return subprocess.run(command, capture_output=True, text=True, env=env, check=True, timeout=240)


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"HF_HUB_OFFLINE": "1"}, "not in the local cache, and HF_HUB_OFFLINE is set: fetch it beforehand"),
        # A closed port of this machine: what a missing network looks like, without one being used.
        ({"HF_ENDPOINT": "http://127.0.0.1:9"}, "not in the local cache, and the hub cannot be reached (ConnectError)"),
    ],
)
def test_without_a_network_one_line_says_what_to_do(tmp_path, environment, says):
    pytest.importorskip("huggingface_hub")
    done = locate(tmp_path, **environment)
    assert done.stdout == "" and len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert done.stderr.startswith(f"owner/name at revision {REVISION}: {says}")
    assert "HF_HOME" in done.stderr and "folder" in done.stderr


def test_a_cached_commit_needs_no_network(tmp_path, checkpoint):
    pytest.importorskip("huggingface_hub")
    snapshot = tmp_path / "hub" / "models--owner--name" / "snapshots" / REVISION
    shutil.copytree(checkpoint, snapshot)
    assert locate(tmp_path, HF_HUB_OFFLINE="1").stdout.strip() == str(snapshot)
    (snapshot / "model.safetensors").unlink()  # a download that broke off
    assert "HF_HUB_OFFLINE is set" in locate(tmp_path, HF_HUB_OFFLINE="1").stderr


class FakeHub:
    """A hub with one model; it writes down what it is asked for."""

    def __init__(self, source, files):
        self.source, self.files, self.asked = source, files, []

    def HfApi(self):
        return self

    def model_info(self, name, *, revision, timeout):
        assert revision == REVISION and timeout <= 10
        return SimpleNamespace(siblings=[SimpleNamespace(rfilename=file) for file in self.files])

    def try_to_load_from_cache(self, *_, **__):
        return None

    def snapshot_download(self, name, *, revision, allow_patterns, etag_timeout):
        assert revision == REVISION
        self.asked.append(allow_patterns)
        return str(self.source)


def test_weights_are_fetched_last_and_no_pickle_ever(checkpoint, monkeypatch):
    fake = FakeHub(checkpoint, ["config.json", "model.safetensors", "pytorch_model.bin", "tokenizer.json"])
    monkeypatch.setattr(hub, "_hub", lambda: fake)
    assert hub.locate("owner/name", REVISION) == checkpoint
    assert "config.json" in fake.asked[0] and fake.asked[1] == ["model.safetensors"]
    assert not [pattern for patterns in fake.asked for pattern in patterns if pattern.endswith((".bin", "*", ".py"))]


def test_a_model_with_only_pickles_is_refused_before_a_byte_is_fetched(checkpoint, monkeypatch):
    fake = FakeHub(checkpoint, ["config.json", "pytorch_model.bin", "onnx/model.safetensors"])
    monkeypatch.setattr(hub, "_hub", lambda: fake)
    with pytest.raises(ModelError, match=rf"owner/name at revision {REVISION}: holds only pytorch_model\.bin"):
        hub.locate("owner/name", REVISION)
    assert fake.asked == []
