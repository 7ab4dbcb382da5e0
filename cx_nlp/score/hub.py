"""Where a checkpoint's files lie: a folder, or the local cache of the Hugging Face hub.

The hub is asked only for a name at a pinned commit that the cache does not hold whole; afterwards that commit is
never asked for again. Weights are safetensors: a pickle runs code when it is opened, so none is ever fetched or read.
"""

import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any

from cx_nlp.errors import ModelError
from cx_nlp.score.model import file_digest
from cx_nlp.score.replacement import is_folder

INSTALL = "pip install 'cx-nlp[hub]'"
SECONDS = 10.0  # that the hub may take to answer

_SETTINGS = "config.json"
_WHOLE, _INDEX = "model.safetensors", "model.safetensors.index.json"
_PICKLED = (".bin", ".pt", ".pth", ".pkl", ".ckpt", ".h5", ".msgpack")
_TOKENIZER = (
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.txt",
    "vocab.json", "merges.txt", "bpe.codes", "sentencepiece.bpe.model", "spiece.model", "tokenizer.model", "spm.model",
)  # fmt: skip


def locate(model: str, revision: str | None) -> Path:
    """The folder that holds a checkpoint's files; a name on the hub is fetched if the cache lacks it.

    Raises ModelError, one line, for a missing folder, pickled weights, a commit that is neither cached nor to be had.
    """
    if is_folder(model):
        folder = Path(model)
        if not folder.is_dir():
            raise ModelError(f"checkpoint folder not found: {folder}")
    else:
        assert revision is not None, "the configuration demands one"
        folder = _cached(model, revision) or _fetched(model, revision)
    weight_files(folder)
    return folder


def settings(folder: Path) -> dict[str, Any]:
    """config.json. Raises ModelError where it is missing or no JSON object."""
    return _json(folder / _SETTINGS)


def weight_files(folder: Path) -> list[Path]:
    """The safetensors of a checkpoint, in order of name. Raises ModelError where there are none, or not all of them."""
    if (folder / _WHOLE).is_file():
        return [folder / _WHOLE]
    if not (folder / _INDEX).is_file():
        pickled = sorted(path.name for path in folder.iterdir() if path.suffix in _PICKLED)
        raise ModelError(f"{folder}: {_no_safetensors(pickled)}")
    shards = sorted(set(map(str, _json(folder / _INDEX).get("weight_map", {}).values())))
    for name in shards:
        if not (folder / name).is_file():
            raise ModelError(f"{folder}: {name} is missing, which {_INDEX} names")
    return [folder / name for name in shards]


def digest(folder: Path) -> str:
    """SHA-256 of the safetensors; of several, that over their digests in order of name."""
    digests = [file_digest(path) for path in weight_files(folder)]
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()


def fingerprint(folder: Path) -> str:
    """Changes when a file does, and costs no reading of weights: what a process that lives for many nights compares."""
    found = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in sorted(folder.iterdir())]
    return hashlib.sha256(repr(found).encode()).hexdigest()


def _no_safetensors(pickled: list[str]) -> str:
    held = f"only {', '.join(pickled)}, and pickled weights are never opened" if pickled else "no weights"
    return f"holds {held}; needs {_WHOLE} (save_pretrained writes it)"


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(
            f"{path.parent}: {path.name} is missing; expected a checkpoint as save_pretrained writes it"
        ) from None
    except (ValueError, OSError) as error:
        raise ModelError(f"{path}: not readable: {error}") from None
    if not isinstance(found, dict):
        raise ModelError(f"{path}: expected a JSON object")
    return found


def _hub() -> Any:
    # Both are read once, when the library is first imported; a setting of the user's own wins.
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    if not sys.stderr.isatty():
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    try:
        import huggingface_hub
    except ImportError:
        raise ModelError(f"a model on the hub needs huggingface_hub; run: {INSTALL}") from None
    return huggingface_hub


def _cached(model: str, revision: str) -> Path | None:
    """The cache's folder of a commit; None unless it is whole: weights are fetched last, see `_fetched`."""
    found = _hub().try_to_load_from_cache(model, _SETTINGS, revision=revision)
    if not isinstance(found, str):
        return None
    folder = Path(found).parent
    try:
        weight_files(folder)
    except ModelError:
        return None
    return folder


def _fetched(model: str, revision: str) -> Path:
    hub = _hub()
    name = f"{model} at revision {revision}"
    try:
        # One question first: an unreachable hub shows within seconds, before any download is tried again and again.
        listed = hub.HfApi().model_info(model, revision=revision, timeout=SECONDS)
        files = {entry.rfilename for entry in listed.siblings or []}
        if not files & {_WHOLE, _INDEX}:
            pickled = sorted(file for file in files if file.endswith(_PICKLED) and "/" not in file)
            raise ModelError(f"{name}: {_no_safetensors(pickled)}")
        weights = [_WHOLE] if _WHOLE in files else ["model-*.safetensors"]
        for patterns in ([_SETTINGS, _INDEX, *_TOKENIZER], weights):
            folder = hub.snapshot_download(model, revision=revision, allow_patterns=patterns, etag_timeout=SECONDS)
    except ModelError:
        raise
    except Exception as error:  # the library raises its own, its HTTP client's and OSError
        raise ModelError(f"{name}: {_reason(error)}") from None
    return Path(folder)


def _reason(error: Exception) -> str:
    kind = type(error).__name__
    if kind in ("RepositoryNotFoundError", "RevisionNotFoundError", "GatedRepoError", "DisabledRepoError"):
        return f"the hub does not give it out ({kind}): check name and revision, and HF_TOKEN if it is not public"
    why = (
        "not in the local cache, and HF_HUB_OFFLINE is set"
        if kind == "OfflineModeIsEnabled"
        else f"not in the local cache, and the hub cannot be reached ({kind})"
    )
    return f"{why}: fetch it beforehand (hf download), point HF_HOME to a cache that holds it, or name a folder"
