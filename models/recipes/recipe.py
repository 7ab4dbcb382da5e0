"""A training recipe: every setting of a configs/train/*.yaml with its meaning; unknown keys fail."""

from pathlib import Path
from typing import Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


_Read = TypeVar("_Read", bound=_Strict)


class Rare(_Strict):
    threshold: float = Field(0.01, description="emotions with a smaller share of the texts are drawn more often")
    most: float = Field(3.0, ge=1, description="at most so many times")


class Branch(_Strict):
    rank: int = Field(64, gt=0, description="of the step that moves the encoder's word vectors")
    lr_words: float = Field(1e-3, gt=0, description="of that step")


class Draw(_Strict):
    """Texts an epoch, drawn anew each time."""

    sentiment: dict[Literal["semeval", "extraction", "clothing"], int] = Field(
        description="field of models.recipes.data.sentiment: texts"
    )
    emotion: int = Field(gt=0)
    aspect_repeats: int = Field(ge=0, description="how often the whole of MAMS is read")
    joined: int = Field(ge=0, description="joined texts, see models.recipes.data.joined")
    lessons: int = Field(ge=0, description="template sentences for sentiment")
    aspect_lessons: int = Field(ge=0, description="template sentences for aspect sentiment")


class Recipe(_Strict):
    base: str = Field("minilm", description="minilm, mpnet, or a folder")
    layers: int | None = Field(None, ge=2, description="keep so many of the encoder's layers; null keeps all")
    branch: Branch | None = Field(
        None, description="train a second stack of layers, for emotion and aspect alone, on the frozen rest"
    )
    epochs: int = Field(ge=1)
    batch_tokens: int = Field(2400, gt=0, description="padded tokens of a batch")
    batch_texts: int = Field(64, gt=0)
    pool: int = Field(3200, gt=0, description="texts sorted by length together")
    max_tokens: int = Field(96, gt=2)
    lr_encoder: float = Field(gt=0)
    lr_heads: float = Field(gt=0)
    warmup: float = Field(0.05, ge=0, lt=1, description="share of all steps")
    freeze_words: bool = Field(True, description="leave the word vectors as they are")
    label_smoothing: float = Field(0.05, ge=0, lt=1)
    prior_strength: float = Field(1.0, ge=0, description="of a field's class shares in the logit adjustment; 0 is none")
    noise: float = Field(0.15, ge=0, le=1, description="share of sentiment texts with a typo, a handle or a link")
    emotion_weight: float = 5.0
    valence_weight: float = Field(0.3, description="of the sentiment that the emotions of a text imply")
    aspect_weight: float = 1.0
    side_weight: float = Field(0.5, description="of the sides of joined texts, read by the sentiment head")
    theme_weight: float = Field(2.0, description="of giving back the untouched encoder's embedding")
    soft_weight: float = Field(
        0.5, ge=0, le=1, description="with --soft: share of the loss that is the distance to the teachers"
    )
    rare: Rare = Rare()
    checkpoint_steps: int = Field(500, gt=0)
    average_steps: list[int] = Field(
        default_factory=list, description="the result is the mean of the weights after these steps and the last"
    )
    draw: Draw

    @model_validator(mode="after")
    def _a_branch_learns_its_own(self) -> "Recipe":
        asked = (self.draw.lessons, sum(self.draw.sentiment.values()), self.valence_weight, self.theme_weight)
        if self.branch and any(asked):
            raise ValueError(
                "a branch learns emotion and aspect alone: expected no draw of sentiment or lessons, valence_weight 0, theme_weight 0"
            )
        return self


class Mending(_Strict):
    """Of models.recipes.mend: settings of a configs/train/*-mend*.yaml."""

    kinds: list[str] = Field(description="of lessons: what is taught")
    taught: int = Field(gt=0, description="lessons of these kinds")
    other_lessons: int = Field(ge=0, description="lessons of all other kinds, held")
    held: int = Field(gt=0, description="texts of the labelled sets, held")
    disturbed: float = Field(0.0, ge=0, le=1, description="share of those with a typo, a handle or a link")
    joined: int = Field(0, ge=0, description="texts joined by twos, whose sides shall be read as each alone")
    batch_texts: int = Field(32, gt=0)
    batch_tokens: int = Field(1200, gt=0, description="padded tokens of a batch")
    held_batches: int = Field(1, gt=0, description="how many times as large a batch of held texts is")
    lr: float = Field(gt=0)
    warmup: float = Field(0.1, ge=0, lt=1, description="share of all steps")
    hold_states: float = Field(
        ge=0, description="weight of the held hidden states' squared distance, in their variance"
    )
    hold_sentiment: float = Field(ge=0, description="weight of the held sentiment's cross-entropy")
    hold_sides: float = Field(
        1.0, ge=0, description="weight of the sides' cross-entropy with what is said of each alone"
    )
    look_steps: int = Field(200, gt=0, description="a line of the log each so many steps")


def load_recipe(path: Path) -> dict:
    """-> all settings, defaults filled in. Ends in one line for a file that is missing or holds what no recipe has."""
    return _read(path, Recipe).model_dump()


def load_mending(path: Path) -> Mending:
    """Ends in one line as `load_recipe` does."""
    return _read(path, Mending)


def _read(path: Path, kind: type[_Read]) -> _Read:
    try:
        return kind.model_validate(yaml.safe_load(path.read_text()))
    except OSError as error:
        raise SystemExit(f"{path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SystemExit(f"{path}: not readable as YAML: {' '.join(str(error).split())}") from None
    except ValidationError as error:
        first = error.errors()[0]
        raise SystemExit(
            ": ".join([str(path), *filter(None, [".".join(map(str, first["loc"]))]), first["msg"]])
        ) from None
