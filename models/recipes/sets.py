"""The labelled sets by name, through `datasets`: a local file where there is one, else the same set on the hub.

    load("semeval2017", "dev", root) -> Dataset

Offline (HF_HUB_OFFLINE=1, or no network) a set that lies in no file ends in one line. What a set means, and what is done
to its texts, is `models.recipes.data`'s business.
"""

import csv
import hashlib
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets import Dataset, Features, Sequence, Value, load_dataset

from cx_nlp.schema import SENTIMENTS

Row = dict[str, Any]


class DataMissing(SystemExit):
    """Neither the file nor the hub has the set."""

    def __init__(self, name: str, path: Path, hub: str) -> None:
        super().__init__(f"no data set {name}: no file {path} (--data-root, see models/README.md), and {hub}")


@dataclass(frozen=True)
class LabelledSet:
    """Files by split, relative to the data root; a file that holds all splits has a column `split`."""

    files: dict[str, str]
    read: Callable[[Path], Dataset]
    hub: tuple[str, str | None, dict[str, str]] | None = None  # name, configuration, our split -> theirs
    from_hub: Callable[[Row], Row] | None = None


def _parquet(path: Path) -> Dataset:
    return Dataset.from_parquet(str(path))


def _goemotions(path: Path) -> Dataset:
    columns = ["text", "ids", "id"]
    as_text = Features({name: Value("string") for name in columns})
    frame = Dataset.from_csv(
        str(path), sep="\t", names=columns, quoting=csv.QUOTE_NONE, keep_default_na=False, features=as_text
    )
    features = Features({"text": Value("string"), "labels": Sequence(Value("int64"))})

    def labels(row: Row) -> Row:
        return {"text": row["text"], "labels": [int(i) for i in row["ids"].split(",")]}

    return frame.map(labels, remove_columns=["ids", "id"], features=features)


def _mams(path: Path) -> Dataset:
    def terms() -> Iterator[Row]:
        for number, sentence in enumerate(ElementTree.parse(path).getroot()):
            for term in sentence.iter("aspectTerm"):
                yield {
                    "sentence": number,
                    "text": sentence.findtext("text") or "",
                    "term": term.get("term"),
                    "start": int(term.get("from", -1)),
                    "end": int(term.get("to", -1)),
                    "label": term.get("polarity", ""),
                }

    return Dataset.from_list(list(terms()))


def _mams_categories(path: Path) -> Dataset:
    """-> text, labels (the categories of the sentence, whatever its polarity on them)"""
    sentences = ElementTree.parse(path).getroot()
    return Dataset.from_list(
        [
            {
                "text": sentence.findtext("text") or "",
                "labels": sorted({one.get("category", "") for one in sentence.iter("aspectCategory")}),
            }
            for sentence in sentences
        ]
    )


# Columns of the NHS set that are no themes.
_NO_THEMES = ("Not assigned", "Labelling not possible")


def _nhs_themes(path: Path) -> Dataset:
    """-> text (unique but for case), labels (names of themes), respondent, split: half of the respondents to tune on
    ("tune"), the others to report on ("report"). Rows that the annotators could give no theme are left out.
    """
    frame = Dataset.from_parquet(str(path)).to_pandas()
    themes = list(frame.columns[list(frame.columns).index("Comment sentiment") + 1 :])
    rows, seen = [], set()
    for row in frame.to_dict("records"):
        text, given = row["FFT answer"], [name for name in themes if str(row[name]) == "1"]
        if not isinstance(text, str) or not given or set(given) & set(_NO_THEMES) or text.casefold() in seen:
            continue
        seen.add(text.casefold())
        who = str(row["Respondent ID"])
        half = "tune" if hashlib.sha256(who.encode()).digest()[0] % 2 else "report"
        rows.append({"text": text, "labels": given, "respondent": who, "split": half})
    return Dataset.from_list(rows)


def _named(row: Row) -> Row:
    return {"text": row["text"], "label": SENTIMENTS[row["label"]]}


SETS = {
    "semeval2017": LabelledSet(
        {"train": "sentiment/semeval2017.parquet", "dev": "sentiment/semeval2017.parquet"},
        _parquet,
        ("cardiffnlp/tweet_eval", "sentiment", {"train": "train", "dev": "validation"}),
        _named,
    ),
    "tweet_extraction": LabelledSet(
        {"train": "sentiment/tweet_extraction.parquet", "dev": "sentiment/tweet_extraction.parquet"},
        _parquet,
        ("mteb/tweet_sentiment_extraction", None, {"train": "train", "dev": "test"}),
        _named,
    ),
    "clothing_reviews": LabelledSet(
        {"train": "sentiment/clothing_reviews.parquet", "dev": "sentiment/clothing_reviews.parquet"}, _parquet
    ),
    "goemotions": LabelledSet(
        {split: f"emotion/goemotions/{split}.tsv" for split in ("train", "dev", "test")},
        _goemotions,
        (
            "google-research-datasets/go_emotions",
            "simplified",
            {"train": "train", "dev": "validation", "test": "test"},
        ),
        lambda row: {"text": row["text"], "labels": row["labels"]},
    ),
    "mams-atsa": LabelledSet({"train": "aspect/mams-atsa/train.xml", "dev": "aspect/mams-atsa/val.xml"}, _mams),
    "mams-acsa": LabelledSet(
        {"train": "aspect/mams-acsa/train.xml", "dev": "aspect/mams-acsa/val.xml"}, _mams_categories
    ),
    "banking77": LabelledSet(
        {"train": "themes/banking77.parquet"},
        _parquet,
        ("mteb/banking77", None, {"train": "train"}),
        lambda row: {"text": row["text"], "category": row["label_text"]},
    ),
    "nhs-themes": LabelledSet(dict.fromkeys(("tune", "report"), "feedback/nhs_patient_feedback.parquet"), _nhs_themes),
    "nhs": LabelledSet({"all": "feedback/nhs_patient_feedback.parquet"}, _parquet),
}


def load(name: str, split: str, root: Path) -> Dataset:
    """One split of a set, its columns as the local file has them. Raises DataMissing, KeyError for a name not in SETS."""
    one = SETS[name]
    path = root / one.files[split]
    if path.is_file():
        found = one.read(path)
        if "split" in found.column_names:
            found = found.filter(lambda its: [s == split for s in its], input_columns="split", batched=True)
        return found
    if one.hub is None:
        raise DataMissing(name, path, "the hub has no copy that we know of")
    repository, configuration, splits = one.hub
    try:
        found = load_dataset(repository, configuration, split=splits[split])
    except Exception as error:  # the hub's errors have no common base
        raise DataMissing(name, path, f"the hub's {repository} cannot be had: {type(error).__name__}") from None
    return found.map(one.from_hub, remove_columns=found.column_names)
