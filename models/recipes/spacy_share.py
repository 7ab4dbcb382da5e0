"""How much of a night's processor time goes to spaCy.

A night over the NHS comments into a folder of its own, without Prefect, beside the parsing of the same texts alone.
Both in processor time of the whole process, so that what other processes do to the clock does not matter.
"""

import tempfile
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from cx_nlp import night, store
from cx_nlp.config import load_config
from cx_nlp.score.scorer import CHUNK, Scorer
from cx_nlp.spans.pipeline import parse
from cx_nlp.themes.match import analyse
from cx_nlp.themes.taxonomy import load_taxonomies
from models.recipes.figures import figure
from models.recipes.sets import SETS

_ROUNDS = 3
_CONFIG = """
lake: lake
sources:
  nhs:
    kind: parquet
    path: {path}
    timezone: Europe/London
    columns: {{feedback_id: Comment ID, response_id: Respondent ID, submitted_at: Date, text: FFT answer}}
    date_order: day_first
    date_sequence: Respondent ID
    no_comment: [Did not answer]
model: {model}
taxonomies: [general]
"""


def measure(root: Path, model: str, *, rounds: int = _ROUNDS) -> dict[str, Any]:
    """-> texts parsed, core-seconds of the night and of its parts, and their shares: the median and the extremes of rounds."""
    taxonomy = load_taxonomies(["general"])
    scorer = Scorer.load(model=model, taxonomy=taxonomy)
    scorer.score_texts(["Warm up: the staff were lovely but the wait was awful."])
    nights, parses, analyses, texts = [], [], [], []
    for _ in range(rounds):
        seen = _Texts(scorer)
        with tempfile.TemporaryDirectory() as folder:
            nights.append(seconds(partial(run_night, Path(folder), seen, root, model)))
        texts = seen.texts
        chunks = [texts[at : at + CHUNK] for at in range(0, len(texts), CHUNK)]
        parses.append(seconds(partial(_drain, (parse(some, len) for some in chunks))))
        analyses.append(seconds(partial(_drain, (analyse(some, taxonomy) for some in chunks))))
    return {
        "texts": len(texts),
        "night, core-seconds": round(float(np.median(nights)), 2),
        "spaCy with mentions": _share(parses, nights, len(texts)),
        "spaCy with mentions and themes": _share(analyses, nights, len(texts)),
    }


def _share(parts: list[float], wholes: list[float], n: int) -> dict[str, Any]:
    shares = np.array(parts) / np.array(wholes)
    return figure(float(np.median(shares)), (float(shares.min()), float(shares.max())), n)


def _drain(chunks: Iterable[Iterable[object]]) -> None:
    for chunk in chunks:
        for _ in chunk:
            pass


def seconds(work: Callable[[], object]) -> float:
    """Processor time of all threads of this process."""
    start = time.process_time()
    work()
    return time.process_time() - start


class _Texts:
    """A scorer that remembers what it was given, in the order in which it was given."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer
        self.texts: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._scorer, name)

    def score_texts(self, texts, **options):
        scores = self._scorer.score_texts(texts, **options)
        self.texts += scores.texts
        return scores


def run_night(folder: Path, scorer: Any, root: Path, model: str) -> None:
    """The steps of the nightly flow, into folder / "lake"."""
    path = folder / "night.yaml"
    path.write_text(_CONFIG.format(path=(root / SETS["nhs"].files["all"]).resolve(), model=Path(model).resolve()))
    config = load_config(path)
    night.check(config)
    this = night.new_night(config, flow="benchmark")
    with store.locked(this.lake):
        store.open_lake(this.lake)
        taken = [night.take_source(this, name, paths) for name, paths in night.find_files(config).items()]
        plan = night.resolve(this, taken)
        built = [night.score_dates(this, plan, dates, lambda: scorer) for dates in plan.groups()]
        built.append(night.measure(this, plan, built, taxonomy=scorer.taxonomy))
        night.commit(this, plan, built, taken, taxonomy=scorer.taxonomy, model_version=scorer.model_version, seconds={})
