"""The errors of a shipped model that were counted on dev, for figures that are corrected for them.

`models/recipes/measure.py` writes them into the model's metrics.json; a model without them is used as it is, and the
figures that would need them are null.
"""

import json
import math
from pathlib import Path

import numpy as np

KEY = "is_emotional_confusion"
_CELLS = (("tn", "fp"), ("fn", "tp"))


def emotional_confusion(folder: Path) -> dict[str, np.ndarray]:
    """A model's folder -> {emotion head as `model_version` names it: confusion (2, 2)} of `is_emotional`; {} if unknown.

    Rows are the truth, columns what was said, negative first. The name holds the digest of the weights
    and calibration that they were counted on, so rows that others have read are never corrected by them.
    """
    try:
        found = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))[KEY]
        confusion = np.array([[float(found[cell]) for cell in row] for row in _CELLS])
        model = found["model"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    if not isinstance(model, str) or not (np.isfinite(confusion).all() and (confusion >= 0).all()):
        return {}
    return {model: confusion} if math.fsum(confusion.ravel()) else {}
