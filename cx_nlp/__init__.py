"""cx-nlp: offline, nightly text analytics of customer feedback."""

__version__ = "0.1.0"
