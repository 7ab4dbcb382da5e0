"""Published figures of known models, to stand beside ours. Splits and thresholds differ: each line says which."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Anchor:
    headline: str  # of HEADLINES, the figure of ours that it stands beside
    model: str
    figure: str
    split: str
    source: str


ANCHORS = (
    Anchor("goemotions_test", "BERT-base", "macro-F1 0.46", "test", "Demszky et al. 2020 (arXiv:2005.00547)"),
    Anchor(
        "goemotions_test",
        "linear classifier on all-MiniLM-L6-v2",
        "macro-F1 0.397",
        "test, thresholds chosen on test",
        "model card of SamLowe/all-MiniLM-L6-v2-go_emotions-classifier-onnx",
    ),
    Anchor("goemotions_test", "MiniLMv2-L6", "macro-F1 0.487", "test", "model card on the Hugging Face hub"),
    Anchor("goemotions_test", "RoBERTa-large", "macro-F1 0.518", "test", "model card on the Hugging Face hub"),
    Anchor(
        "goemotions_test",
        "ModernBERT-base",
        "macro-F1 0.471; 0.554",
        "test, at 0.5; with thresholds chosen on test",
        "Nacif Elalaoui 2026, thesis, Long Island University, on cirimus/modernbert-base-go-emotions",
    ),
    Anchor("tweets", "RoBERTa-base", "macro-recall 0.713", "test, not validation", "Barbieri et al. 2020 (arXiv:2010.12421)"),
    Anchor(
        "tweets",
        "RoBERTa-base trained on 124 million tweets",
        "macro-recall 0.737",
        "test, not validation",
        "Loureiro et al. 2022 (arXiv:2202.03829)",
    ),
    Anchor(
        "tweets",
        "the same (twitter-roberta-base-sentiment-latest)",
        "accuracy 0.772, macro-F1 0.761",
        "validation, whole",
        "evaluation on its model card on the Hugging Face hub",
    ),
    Anchor("aspects", "BERT-base systems", "accuracy 0.83-0.85", "test, not validation", "Jiang et al. 2019 (EMNLP) and successors"),
)  # fmt: skip
