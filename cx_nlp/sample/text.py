"""A comment from what it is meant to say: themes, a tone, perhaps an emotion."""

import random
from collections.abc import Sequence

from cx_nlp.sample import world
from cx_nlp.sample.phrases import bank, emotions, moods, phrases, polarity
from cx_nlp.sample.style import pick, write

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_STAGE_WORDS = {
    "discover": "inspiration", "buy": "the sales floor", "deliver": "the last mile", "use": "life with our products",
    "support": "aftercare", "return": "the way back", "renew": "loyalty",
}  # fmt: skip


def comment(
    dice: random.Random,
    themes: Sequence[str],
    *,
    tone: str,
    emotion: str | None,
    role: str,
    language: str,
    touchpoint: str,
    product: str,
) -> tuple[str, list[tuple[str, str]]]:
    """-> the text, and (theme, phrase as used) for each theme, in order. Every theme given is spoken of once."""
    said: list[tuple[str, str, str]] = []  # theme, polarity, phrase
    coin = dice.random()
    for number, theme in enumerate(themes):
        # A mixed comment praises one thing and blames the next.
        how = polarity(theme, tone, (coin + 0.5 * number) % 1.0)
        phrase = pick(dice, phrases(theme, how, role=role, language=language))
        said.append((theme, how, _fill(dice, phrase, product=product, touchpoint=touchpoint)))
    mood = None
    if not said or (tone not in {how for _, how, _ in said} and tone != "neutral") or dice.random() < 0.35:
        mood = _fill(
            dice, pick(dice, moods(tone, role=role, language=language)), product=product, touchpoint=touchpoint
        )
    sentences = _order(dice, said, mood, tone=tone, is_english=language == "en")
    if emotion is not None and role != "leader":
        feeling = pick(dice, emotions(emotion, language=language))
        sentences.insert(0 if dice.random() < 0.3 else len(sentences), feeling)
    if language == "en":
        if dice.random() < 0.12 and role == "customer":
            sentences[0] = f"{pick(dice, bank('moods')['openings'])}, {sentences[0]}"
        if dice.random() < 0.08:
            sentences.append(pick(dice, bank("moods")["closings"]))
    text = write(dice, sentences, tone=tone, is_plain=role == "leader" or language != "en")
    return text, [(theme, phrase) for theme, _, phrase in said]


def _order(dice, said: list[tuple[str, str, str]], mood: str | None, *, tone: str, is_english: bool) -> list[str]:
    """Sentences of the themes with the mood before or after them; a turn of phrase where one goes against the tone."""
    turns = bank("moods")["turns"]
    sentences = []
    for _, how, phrase in said:
        against = {("positive", "negative"): "to_negative", ("negative", "positive"): "to_positive"}.get((tone, how))
        if against and is_english and dice.random() < 0.6:
            phrase = f"{pick(dice, turns[against])} {phrase}"
        sentences.append(phrase)
    if mood is not None:
        # "Love it. Only thing: ..." needs the love first.
        is_first = dice.random() < 0.4 or (bool(said) and said[0][1] not in (tone, "neutral"))
        sentences.insert(0 if is_first else len(sentences), mood)
    return sentences


def second_comment(dice: random.Random, *, language: str) -> str:
    """An answer to the second question, without a theme."""
    items = bank("moods")["extras"]["second_questions"] if language == "en" else moods("neutral", language=language)
    return write(dice, [_fill(dice, pick(dice, items))], tone="neutral", is_plain=language != "en")


def story(dice: random.Random, words: int) -> str:
    """At least so many words about nothing that a theme is about."""
    sentences: list[str] = []
    count = 0
    while count < words:
        sentence = pick(dice, bank("moods")["stories"])
        if sentence in sentences[-12:]:
            continue
        sentences.append(sentence)
        count += len(sentence.split())
    return " ".join(sentence[0].upper() + sentence[1:] + "." for sentence in sentences)


def _fill(dice: random.Random, phrase: str, *, product: str = "rug", touchpoint: str = "use") -> str:
    if "{" not in phrase:
        return phrase
    return phrase.format(
        product=product,
        touchpoint=_STAGE_WORDS[touchpoint],
        weekday=pick(dice, _WEEKDAYS),
        store=pick(dice, world.STORES[:-1]),
        times=pick(dice, ("twice", "three times", "four times", "five times")),
        days=str(4 + int(dice.random() * 17)),
        minutes=str(20 + 5 * int(dice.random() * 15)),
    )
