"""The label sets of sentiment and emotion, in the order of the model's outputs."""

SENTIMENTS = ("negative", "neutral", "positive")
# The 28 labels of GoEmotions (Demszky et al. 2020, arXiv:2005.00547), in the publisher's order.
EMOTIONS = (
    "admiration", "amusement", "anger", "annoyance", "approval", "caring", "confusion", "curiosity",
    "desire", "disappointment", "disapproval", "disgust", "embarrassment", "excitement", "fear", "gratitude",
    "grief", "joy", "love", "nervousness", "optimism", "pride", "realization", "relief", "remorse",
    "sadness", "surprise", "neutral",
)  # fmt: skip
# Ekman's six families, as the publisher of GoEmotions groups its labels.
EMOTION_FAMILIES = {
    "anger": ("anger", "annoyance", "disapproval"),
    "disgust": ("disgust",),
    "fear": ("fear", "nervousness"),
    "joy": (
        "joy", "amusement", "approval", "excitement", "gratitude", "love", "optimism", "relief", "pride",
        "admiration", "desire", "caring",
    ),
    "sadness": ("sadness", "disappointment", "embarrassment", "grief", "remorse"),
    "surprise": ("surprise", "realization", "confusion", "curiosity"),
}  # fmt: skip
FAMILY_OF = {emotion: family for family, members in EMOTION_FAMILIES.items() for emotion in members} | {
    "neutral": "neutral"
}
# Above their threshold these alone do not make a text emotional: "How do I change my booking?" is curious, not moved.
UNEMOTIONAL = ("approval", "disapproval", "realization", "confusion", "curiosity", "neutral")
