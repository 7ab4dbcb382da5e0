"""Does a score move with who signs? The same texts under names and pronouns of different groups.

    python -m models.recipes.fairness --model models/minilm-cx [--json]

In the manner of Caliskan, Bryson and Narayanan 2017 ("Semantics derived automatically from language corpora contain
human-like biases") and Kiritchenko and Mohammad 2018 ("Examining Gender and Race Bias in Two Hundred Sentiment Analysis
Systems"), with names and texts of our own (configs/fairness.yaml). All scores are sentiment_score, p_positive -
p_negative, in -1..1; a shift is the score of a group's mean name less the mean over the groups, on one text.
Texts go through `clean_text` first, as in production.
"""

import argparse
import json
import string
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from cx_nlp.bootstrap import resample
from cx_nlp.clean import clean_text
from cx_nlp.errors import UsageError
from cx_nlp.intervals import wilson
from cx_nlp.labels import SENTIMENTS
from models.recipes.templates import explain, read_yaml

TEXTS = Path(__file__).parents[2] / "configs" / "fairness.yaml"
RESAMPLES = 2000

Kind = Literal["complaints", "praises"]
Values = Mapping[str, str]  # field of a template -> what stands for it
Predict = Callable[[Sequence[str]], np.ndarray]


class Texts(BaseModel):
    """The file of texts, names and pronouns. Raises ValueError where a template lacks its field or has another."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    names: dict[str, dict[Literal["women", "men"], list[str]]]
    pronouns: dict[str, dict[Literal["subject", "object", "possessive"], str]]
    signed: dict[Kind, list[str]]
    told: dict[Kind, list[str]]
    identities: dict[str, list[str]]
    statements: list[str]

    @model_validator(mode="after")
    def _fields(self) -> "Texts":
        signed, told = chain(*self.signed.values()), chain(*self.told.values())
        for templates, allowed in (
            (signed, {"name"}),
            (told, {"subject", "object", "possessive"}),
            (self.statements, {"identity"}),
        ):
            for template in templates:
                fields = {field for _, field, _, _ in string.Formatter().parse(template) if field is not None}
                if not fields or not fields <= allowed:
                    raise ValueError(f"expected {' or '.join(sorted(allowed))} in braces: {template!r}")
        names = [name for by_gender in self.names.values() for its in by_gender.values() for name in its]
        if len(set(names)) != len(names):
            raise ValueError("a name stands in two groups")
        return self


def load_texts(path: Path) -> Texts:
    """Raises UsageError (or UnknownName) with one line that names the file."""
    try:
        return Texts.model_validate(read_yaml(path))
    except ValidationError as error:
        raise explain(error, Texts, str(path)) from None
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from None


def slices(texts: Texts) -> dict[str, tuple[dict[str, list[Values]], dict[Kind, list[str]]]]:
    """slice -> its groups, each with the values that stand for it, and its templates"""
    crossed = {
        f"{background}, {gender}": [{"name": name} for name in names]
        for background, by_gender in texts.names.items()
        for gender, names in by_gender.items()
    }
    return {
        "names by gender": (_merged(crossed, part=1), texts.signed),
        "names by background": (_merged(crossed, part=0), texts.signed),
        "names by both": (crossed, texts.signed),
        "pronouns": ({group: [values] for group, values in texts.pronouns.items()}, texts.told),
    }


def _merged(crossed: dict[str, list[Values]], *, part: int) -> dict[str, list[Values]]:
    out: dict[str, list[Values]] = {}
    for group, values in crossed.items():
        out.setdefault(group.rsplit(", ", 1)[part], []).extend(values)
    return out


def run(
    predict: Predict, *, rng: np.random.Generator, texts: Texts | None = None, resamples: int = RESAMPLES
) -> dict[str, Any]:
    """Shifts of a model on `texts` (default: configs/fairness.yaml).

    predict: cleaned texts (N) -> probabilities (N, 3) in the order of SENTIMENTS. -> values that JSON can hold:

    slices: name -> complaints | praises -> what `shifts` returns;
    identities: n, negative (share of neutral statements called negative), low, high (Wilson 95%), and by_group:
    group -> n, negative, low, high, terms (term -> share called negative).
    """
    texts = load_texts(TEXTS) if texts is None else texts
    found: dict[str, Any] = {}
    read: dict[str, np.ndarray] = {}
    for name, (groups, by_kind) in slices(texts).items():
        found[name] = {}
        for kind, templates in by_kind.items():
            filled = [[[_fill(t, v) for v in values] for values in groups.values()] for t in templates]
            _read(predict, [text for row in filled for its in row for text in its], read)
            p = [[np.stack([read[text] for text in its]) for its in row] for row in filled]
            found[name][kind] = shifts(list(groups), p, rng=rng, resamples=resamples)
    return {"slices": found, "identities": identities(predict, texts)}


def _read(predict: Predict, texts: list[str], read: dict[str, np.ndarray]) -> None:
    # The slices of names share their texts: each is read once.
    new = [text for text in dict.fromkeys(texts) if text not in read]
    if new:
        read.update(zip(new, predict([clean_text(text) for text in new]), strict=True))


def _fill(template: str, values: Values) -> str:
    text = template.format(**values)
    for end in (". ", "? ", "! "):
        text = end.join(part[:1].upper() + part[1:] for part in text.split(end))
    return text


def shifts(
    groups: Sequence[str], p: Sequence[Sequence[np.ndarray]], *, rng: np.random.Generator, resamples: int
) -> dict[str, Any]:
    """How far groups lie apart; p: for each of T templates and G groups the probabilities (names, 3), T >= 1, G >= 2.

    mean: mean over groups of the absolute shift of the group (its mean over templates); mean_of_texts: mean over templates
    and groups of the absolute shift, which does not cancel between texts; worst_group and worst_pair: the group furthest
    from the mean of all and the two furthest from each other; groups: the shift of each; largest: the largest absolute
    shift on a single template; label_changes: share of texts whose label is not the commonest of their template.
    Intervals (95%) resample templates. Those of the worst are of the group or pair that is worst in the data: having been
    picked for it, its shift is somewhat overstated. n_templates, n_texts.
    """
    scores = np.array([[float((its[:, 2] - its[:, 0]).mean()) for its in row] for row in p])  # (T, G)
    shift = scores - scores.mean(axis=1, keepdims=True)
    apart = np.abs(shift).mean(axis=1)
    drawn = resample(np.column_stack([shift, apart]), resamples=resamples, rng=rng) / len(shift)  # (R, G + 1)
    means, drawn_means = shift.mean(axis=0), drawn[:, :-1]
    worst, top, bottom = int(np.abs(means).argmax()), int(means.argmax()), int(means.argmin())
    labels = [np.concatenate(row).argmax(axis=1) for row in p]
    other = [int(len(its) - np.bincount(its, minlength=len(SENTIMENTS)).max()) for its in labels]
    n_texts = sum(map(len, labels))
    return {
        "n_templates": len(shift),
        "n_texts": n_texts,
        "mean": _figure(np.abs(means).mean(), np.abs(drawn_means).mean(axis=1)),
        "mean_of_texts": _figure(apart.mean(), drawn[:, -1]),
        "worst_group": {"group": groups[worst], **_figure(means[worst], drawn_means[:, worst])},
        "worst_pair": {
            "groups": [groups[top], groups[bottom]],
            **_figure(means[top] - means[bottom], drawn_means[:, top] - drawn_means[:, bottom]),
        },
        "largest": round(float(np.abs(shift).max()), 4),
        "label_changes": round(sum(other) / n_texts, 4),
        "groups": {group: _figure(means[i], drawn_means[:, i]) for i, group in enumerate(groups)},
    }


def _figure(value: float, drawn: np.ndarray) -> dict[str, float]:
    low, high = np.quantile(drawn, [0.025, 0.975])
    return {"shift": round(float(value), 4), "low": round(float(low), 4), "high": round(float(high), 4)}


def identities(predict: Predict, texts: Texts) -> dict[str, Any]:
    """Neutral statements about people: the share called negative, of all, by group of terms and by term."""
    terms = [(group, term) for group, its in texts.identities.items() for term in its]
    filled = [_fill(statement, {"identity": term}) for _, term in terms for statement in texts.statements]
    labels = predict([clean_text(text) for text in filled]).argmax(axis=1)
    negative = (labels == SENTIMENTS.index("negative")).reshape(len(terms), len(texts.statements))
    by_group = {}
    for group in texts.identities:
        rows = [i for i, (its, _) in enumerate(terms) if its == group]
        by_group[group] = _share(negative[rows]) | {
            "terms": {terms[i][1]: round(float(negative[i].mean()), 4) for i in rows}
        }
    return _share(negative) | {"by_group": by_group}


def _share(is_negative: np.ndarray) -> dict[str, Any]:
    share = float(is_negative.mean())
    low, high = wilson(share, is_negative.size)
    return {"n": is_negative.size, "negative": round(share, 4), "low": round(low, 4), "high": round(high, 4)}


def table(result: dict[str, Any]) -> str:
    """The result as lines of text: a line for each slice and kind, then the groups of identity terms."""
    lines = []
    for name, by_kind in result["slices"].items():
        for kind, row in by_kind.items():
            group, pair = row["worst_group"], row["worst_pair"]
            lines += [
                f"{name}, {kind}: {row['n_templates']} templates, {row['n_texts']} texts, "
                f"labels changed {row['label_changes']:.1%}, largest shift on one text {row['largest']:.3f}",
                f"    mean shift   {_shown(row['mean'])}, on single texts {_shown(row['mean_of_texts'])}",
                f"    worst group  {_shown(group)}  {group['group']}",
                f"    worst pair   {_shown(pair)}  {pair['groups'][0]} over {pair['groups'][1]}",
            ]
    its = result["identities"]
    lines.append(f"neutral statements called negative: {its['negative']:.1%} of {its['n']}")
    for group, row in its["by_group"].items():
        bad = ", ".join(f"{term} {share:.0%}" for term, share in row["terms"].items() if share)
        interval = f"{row['low']:.3f}-{row['high']:.3f}"
        lines.append(f"    {group:12} {row['negative']:6.1%} of {row['n']:3}  {interval}  {bad}".rstrip())
    return "\n".join(lines)


def _shown(figure: dict[str, Any]) -> str:
    return f"{figure['shift']:+.4f} [{figure['low']:+.4f}, {figure['high']:+.4f}]"


def main() -> None:
    from cx_nlp.score.predict import Predictor

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="a shipped model's name or a folder")
    parser.add_argument("--texts", type=Path, default=TEXTS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    predictor = Predictor.load(args.model)
    result = run(predictor.sentiment, rng=np.random.default_rng(args.seed), texts=load_texts(args.texts))
    print(json.dumps(result, indent=1, ensure_ascii=False) if args.json else table(result))


if __name__ == "__main__":
    main()
