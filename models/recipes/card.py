"""The model card and the README's table, written from metrics.json and model.json: no figure in them is typed by hand.

    python -m models.recipes.card [--model models/minilm-cx] [--readme README.md]

With `--readme`, what stands between the two markers in that file is replaced by the short table.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from models.recipes import card_tables as tables
from models.recipes.headline import HEADLINES, Metrics, headline

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
DEFAULT_MODEL = Path(__file__).parents[1] / "minilm-cx"

_BASES = {
    "minilm": "sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0)",
    "mpnet": "sentence-transformers/all-mpnet-base-v2 (Apache-2.0)",
}
# Key in the draw of configs/train -> what it is, what it teaches, its licence.
_DATA = {
    "semeval": ("tweets of SemEval 2017", "sentiment", "CC BY 3.0, as far as known"),
    "extraction": ("tweets of the extraction set", "sentiment", "CC BY 4.0, as far as known"),
    "clothing": ("clothing reviews without three stars", "sentiment", "CC0, as far as known"),
    "emotion": ("GoEmotions, Reddit comments", "28 emotions", "CC BY 4.0"),
    "aspect_repeats": ("MAMS, restaurant sentences with aspect terms", "aspect sentiment", "Apache-2.0"),
    "joined": ("two labelled texts put together", "aspect and sentence sentiment", "as the sets they come from"),
    "lessons": ("sentences from templates of this project", "sentiment", "Apache-2.0"),
    "aspect_lessons": ("sentences with terms, from templates of this project", "aspect sentiment", "Apache-2.0"),
}
_ABOUT = """\
# {name}

One encoder with small heads for sentiment (3 classes), the 28 emotions of GoEmotions, aspect sentiment over a span, and a
linear theme head that gives back the untouched encoder's embedding. It reads a text once.{branch}

- **Version**: `{model}`.
- **Size**: {megabytes:.1f} MB, stored in 8 bits.{speed}

Unless said otherwise, figures are on the half of each dev set that nothing was fitted on, and the square brackets hold
95% intervals (bootstrap; Wilson's for shares). One training run: the spread between seeds is not in them.
"""
_BRANCH = """ Emotions and aspect sentiment read a branch too: a second
stack of layers over the same word vectors (each moved by a step of rank {rank}), trained on the frozen rest."""
_USE = """\
## Use

- **For**: English customer feedback, in aggregate: shares and trends of sentiment, emotions and theme sentiment, with intervals.
- **Not for**: decisions about a single person (customer or employee), ranking staff by name, medical, legal or safety triage,
  detecting a crisis, guessing what somebody "really" feels, other languages, or texts that nobody agreed to have analysed.
- Emotions are labels that strangers gave to Reddit comments: read differences between groups of feedback, not levels.
"""
_LIMITS = (
    "The encoder is uncased: CAPITALS say nothing to it.",
    "Sarcasm is hardly taught by any of the data; its markers alone are a slice above.",
    "Aspect sentiment was learned from restaurants, joined texts and templates; elsewhere it leans to neutral.",
    "Tweets, Reddit comments and reviews are not service feedback: NHS comments are the only field here that is.",
)
_RARE = 30  # rows below which the figures of an emotion are mostly noise
_WEAK = 0.05  # accuracy lost on a slice, from which on it is named as a limit
_TEACHERS = {"minilm": "MiniLM-L6", "mpnet": "MPNet-base"}
_OFTEN = 0.25  # failure rate from which on a behaviour is named as a limit


def write_card(folder: Path) -> None:
    (folder / "README.md").write_text(card(folder), encoding="utf-8")


def card(folder: Path) -> str:
    """The text of the card of a model folder; sections whose figures are not in metrics.json are left out."""
    metrics, settings = _read(folder)
    branch = settings["training"]["config"].get("branch")
    about = _ABOUT.format(
        name=settings["name"], model=metrics["model"], megabytes=_megabytes(folder, settings), speed=_speed(metrics),
        branch=_BRANCH.format(**branch) if branch else "",
    )  # fmt: skip
    lines = [about, *tables.figures(metrics), *tables.anchors(), *_training(settings), _USE]
    sections: dict[str, Callable[[Metrics], list[str]]] = {
        "reports": tables.reports,
        "calibration": tables.calibration,
        "abstaining": tables.abstaining,
        "slices": tables.slices,
        "is_emotional_confusion": tables.emotional,
        "behaviour": tables.behaviour,
        "fairness": tables.fairness,
        "engines": tables.engines,
        "theme_vectors_nmi": tables.themes,
    }
    for key, section in sections.items():
        if key in metrics:
            lines += section(metrics)
    lines += [*tables.emotions(metrics), *tables.confusions(metrics), *limits(metrics)]
    return "\n".join(lines).rstrip() + "\n"


def readme_block(folder: Path) -> str:
    """What stands between the markers of the README: this model, its figures, published ones beside them."""
    metrics, settings = _read(folder)
    found = headline(metrics)
    if found["goemotions_test"]["value"] is not None:
        del found["goemotions_dev"]
    ours = [
        (HEADLINES[name].title, f"{one['n']:,}", tables.shown(one))
        for name, one in found.items()
        if one["value"] is not None
    ]
    lines = [
        f"`{settings['name']}`: {_megabytes(folder, settings):.1f} MB.{_speed(metrics)} Dev figures are on the halves that "
        "nothing was fitted on.",
        "",
        *tables.table(("on", "n", "figure, 95% interval"), ours),
        "As published (other splits where said, so a yardstick rather than a race):",
        "",
        *tables.anchors()[2:],
    ]
    return "\n".join(lines).rstrip() + "\n"


def with_block(text: str, block: str) -> str:
    """text with what stands between the markers replaced. Raises ValueError unless each marker occurs once, in order."""
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise ValueError(f"expected one {BEGIN} and after it one {END}")
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n{block}{END}{rest.split(END)[1]}"


def _read(folder: Path) -> tuple[Metrics, dict[str, Any]]:
    return tuple(json.loads((folder / name).read_text(encoding="utf-8")) for name in ("metrics.json", "model.json"))  # type: ignore[return-value]


def _megabytes(folder: Path, settings: dict[str, Any]) -> float:
    return sum((folder / name).stat().st_size for name in settings["sha256"]) / 1e6


def _speed(metrics: Metrics) -> str:
    speed = metrics.get("speed")
    return f" {tables.value_and_interval(speed['value'], speed['ci'], digits=0)} {speed['of']}." if speed else ""


def _mending(told: dict[str, Any]) -> str:
    its = told["mended"]
    return (
        f"Then mended: {its['taught']:,} template sentences of the kinds {', '.join(its['kinds'])}, {told['steps']:,} steps, "
        f"while {its['held']:,} texts of the sets, {its['other_lessons']:,} template sentences of other kinds and the sides of "
        f"{its['joined']:,} joined texts were held to what was said of them before (learning rate {its['lr']:g}, seed "
        f"{told['seed']}); of the step that this is, {told.get('share', 1):.0%} was taken."
    )


def _training(settings: dict[str, Any]) -> list[str]:
    rounds = []
    made: dict[str, Any] | None = settings["training"]
    while made:
        rounds.insert(0, made)
        made = made.get("before")
    base = rounds[0]["config"]["base"]
    counts = [
        {**its["config"]["draw"]["sentiment"], **{k: v for k, v in its["config"]["draw"].items() if k != "sentiment"}}
        for its in rounds
    ]
    rows = []
    for key, (what, teaches, licence) in _DATA.items():
        said = [
            ("–" if not one.get(key) else f"all, {one[key]} times" if key == "aspect_repeats" else f"{one[key]:,}")
            for one in counts
        ]
        if any(one.get(key) for one in counts):
            rows.append((what, teaches, *said, licence))
    heads = [f"texts an epoch, round {n}" if len(rounds) > 1 else "texts an epoch" for n in range(1, len(rounds) + 1)]
    return [
        "## Training",
        "",
        f"Base: {_BASES.get(base, base)}.",
        *(_round(number, one) for number, one in enumerate(rounds, 1)),
        *map(_mending, settings["training"].get("after", [])),
        "`model.json` holds the whole configuration, `models/recipes/` the recipes.",
        "",
        *tables.table(("data", "teaches", *heads, "licence"), rows),
        "Neither trained nor tuned on: the NHS comments, Banking77, GoEmotions test, the reported half of each dev set. For the",
        "figure on three classes of NHS comments, and for it alone, a logistic head was fitted on frozen document means, in five",
        "folds by respondent.",
        "",
    ]


def _round(number: int, made: dict[str, Any]) -> str:
    facts = [f"{made['config']['epochs']} epochs", f"seed {made['seed']}"]
    facts += [f"{made[key]:,} {key}" for key in ("texts", "steps") if key in made]
    taught = made.get("taught_by")
    if taught:
        is_own = taught == ["minilm"] and made.get("before")
        known = "the first round's own" if is_own else " and ".join(_TEACHERS.get(one, one) for one in taught)
        facts.append(f"soft labels of a network trained before on the same texts ({known}) beside the labels")
    return f"Round {number}{', the branch' if made['config'].get('branch') else ''}: {', '.join(facts)}."


def limits(metrics: Metrics) -> list[str]:
    """What the figures say must not be expected, then what no figure here shows."""
    found = [*_rare_emotions(metrics), *_weak_slices(metrics), *_frequent_failures(metrics)]
    return ["## Known limits", "", *(f"- {one}" for one in (*found, *_LIMITS)), ""]


def _rare_emotions(metrics: Metrics) -> list[str]:
    reports = metrics["reports"]
    labels = reports.get("emotion, GoEmotions, test", reports["emotion, GoEmotions, dev"])["per_label"]
    rare = [f"{name} ({one['support']})" for name, one in labels.items() if one["support"] < _RARE]
    return (
        [f"Emotions with fewer than {_RARE} examples, whose figures are mostly noise: {', '.join(rare)}."]
        if rare
        else []
    )


def _weak_slices(metrics: Metrics) -> list[str]:
    out = []
    for name, its in metrics.get("slices", {}).items():
        whole = its["all"]["value"]
        weak = [
            f"{key} {tables.shown(one)}"
            for key, one in its.items()
            if whole is not None and one["value"] is not None and one["value"] < whole - _WEAK
        ]
        if weak:
            out.append(f"Weaker than on all texts ({name}, accuracy {whole:.3f}): {'; '.join(weak)}.")
    return out


def _frequent_failures(metrics: Metrics) -> list[str]:
    tests = metrics.get("behaviour", {}).get("tests", [])
    often = [f"{one['name']} {one['failure_rate']:.2f}" for one in tests if one["failure_rate"] > _OFTEN]
    return [f"Behaviour tests that fail in more than a quarter of their cases: {', '.join(often)}."] if often else []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=DEFAULT_MODEL)
    parser.add_argument("--readme", type=Path, help="a file with the two markers, to rewrite what is between them")
    args = parser.parse_args()
    write_card(args.model)
    if args.readme:
        text = args.readme.read_text(encoding="utf-8")
        args.readme.write_text(with_block(text, readme_block(args.model)), encoding="utf-8")


if __name__ == "__main__":
    main()
