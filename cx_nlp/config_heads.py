"""The part of a configuration that puts a checkpoint in the place of a head.

sentiment: {model: owner/name, revision: <40-hex commit>, labels: {LABEL_0: negative, LABEL_1: positive}}
languages: {de: {sentiment: {model: ./german-sentiment, labels: {schlecht: negative, gut: positive}}}}
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import Field, field_validator, model_validator

from cx_nlp.errors import UnknownName
from cx_nlp.labels import EMOTIONS, SENTIMENTS
from cx_nlp.score.replacement import Replacement, is_folder
from cx_nlp.strict import Strict

_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?")
_COMMIT = re.compile(r"[0-9a-f]{40}")


class _HeadConfig(Strict):
    model: str = Field(description="a folder (./so, relative to the config file) or a name on the Hugging Face hub")
    revision: str | None = Field(None, description="the commit, 40 hex digits; for a name on the hub")
    labels: dict[str, str | None] = Field(
        default_factory=dict,
        description="the checkpoint's label (or its number): one of ours; null drops it; equal names may be left out",
    )
    multi_label: bool | None = Field(None, description="sigmoid or softmax; default: the checkpoint's problem_type")

    @field_validator("labels", mode="before")
    @classmethod
    def _number_keys(cls, labels: Any) -> Any:
        return {str(key): name for key, name in labels.items()} if isinstance(labels, Mapping) else labels

    @model_validator(mode="after")
    def _pinned(self) -> "_HeadConfig":
        if is_folder(self.model):
            if self.revision is not None:
                raise ValueError("revision means nothing for a folder: remove it")
        elif not _HUB_NAME.fullmatch(self.model):
            raise ValueError(f"model {self.model!r} is neither a folder (./so) nor a name on the hub (owner/name)")
        elif self.revision is None or not _COMMIT.fullmatch(self.revision):
            raise ValueError(
                f"model {self.model!r} on the hub needs a pinned revision, as a branch can change overnight: write "
                f"revision: <commit, 40 hex digits>{'' if self.revision is None else f' instead of {self.revision!r}'}"
                "; a folder is written ./so"
            )
        return self

    def _check_targets(self, head: str, known: Sequence[str]) -> None:
        for label, target in self.labels.items():
            if target is not None and target not in known:
                raise UnknownName(f"{head} for the checkpoint's label {label!r}:", target, known)


class SentimentConfig(_HeadConfig):
    uncertain_below: float = Field(0.5, ge=0, le=1, description="is_uncertain: the best label's probability is less")
    mixed_above: float = Field(0.7, ge=0, le=1, description="a sentence is clearly negative or positive above this")

    @model_validator(mode="after")
    def _known_sentiments(self) -> "SentimentConfig":
        self._check_targets("sentiment", SENTIMENTS)
        return self


class EmotionConfig(_HeadConfig):
    thresholds: dict[str, float] = Field(
        default_factory=dict, description="emotion: probability from which it counts; 0.5"
    )

    @model_validator(mode="after")
    def _known_emotions(self) -> "EmotionConfig":
        self._check_targets("emotion", EMOTIONS)
        for name, value in self.thresholds.items():
            if name not in EMOTIONS:
                raise UnknownName("emotion with a threshold", name, EMOTIONS)
            if not 0 < value <= 1:
                raise ValueError(f"threshold of {name} must lie in (0, 1], got {value}")
        return self


class HeadsConfig(Strict):
    """The heads of one language; at least one of them."""

    sentiment: SentimentConfig | None = None
    emotion: EmotionConfig | None = None

    @model_validator(mode="after")
    def _some(self) -> "HeadsConfig":
        if self.sentiment is None and self.emotion is None:
            raise ValueError("name a checkpoint for sentiment, emotion or both")
        return self


def language_keys(languages: Any) -> Any:
    """The same mapping with Norwegian's key as it was written: YAML reads a bare `no` as false."""
    if not isinstance(languages, Mapping):
        return languages
    return {"no" if key is False else key: heads for key, heads in languages.items()}


def check_languages(languages: Mapping[str, HeadsConfig]) -> None:
    """Raises UnknownName for a code that no text can be found to be in."""
    from cx_nlp.language import LANGUAGES

    for code in languages:
        if code not in LANGUAGES:
            raise UnknownName("language", code, LANGUAGES)


def replacements(
    sentiment: SentimentConfig | None, emotion: EmotionConfig | None, languages: Mapping[str, HeadsConfig]
) -> tuple[Replacement, ...]:
    """The keys of a `Config` -> plain values, in the order of language and head; () where nothing is replaced."""
    out = []
    for code, heads in [(None, (sentiment, emotion))] + [(c, (h.sentiment, h.emotion)) for c, h in languages.items()]:
        out += [_plain(code, head) for head in heads if head is not None]
    return tuple(sorted(out, key=lambda one: (one.language or "", one.head)))


def _plain(language: str | None, head: SentimentConfig | EmotionConfig) -> Replacement:
    common: dict[str, Any] = {
        "model": head.model, "revision": head.revision, "language": language, "labels": tuple(head.labels.items()),
        "multi_label": head.multi_label,
    }  # fmt: skip
    if isinstance(head, EmotionConfig):
        thresholds = tuple(head.thresholds.get(name, 0.5) for name in EMOTIONS)
        return Replacement("emotion", thresholds=thresholds, **common)
    return Replacement("sentiment", uncertain_below=head.uncertain_below, mixed_above=head.mixed_above, **common)


_AnyHead = TypeVar("_AnyHead", SentimentConfig, EmotionConfig)


def absolute(head: _AnyHead | None, base: Path) -> _AnyHead | None:
    """The same head with its folder, if it names one, taken relative to `base`."""
    if head is None or not is_folder(head.model):
        return head
    return head.model_copy(update={"model": str(base / Path(head.model).expanduser())})


def absolute_languages(languages: Mapping[str, HeadsConfig], base: Path) -> dict[str, HeadsConfig]:
    return {
        code: heads.model_copy(
            update={"sentiment": absolute(heads.sentiment, base), "emotion": absolute(heads.emotion, base)}
        )
        for code, heads in languages.items()
    }


def fields_at(place: Sequence[Any]) -> dict[str, Any] | None:
    """The keys that a mapping at this place of a config may have, None where the place is none of ours."""
    heads: dict[Any, type[Strict]] = {"sentiment": SentimentConfig, "emotion": EmotionConfig}
    if place[:1] == ("languages",):
        place = place[2:]
        if not place:
            return HeadsConfig.model_fields
    return heads[place[0]].model_fields if len(place) == 1 and place[0] in heads else None
