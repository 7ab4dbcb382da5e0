"""One block of responses, drawn column by column: who, when, where, which ratings, which themes, which mood."""

import random

import numpy as np
import pandas as pd

from cx_nlp.sample import tilt, world
from cx_nlp.sample.people import People, person_ids
from cx_nlp.sample.phrases import theme_names
from cx_nlp.sample.population import Population
from cx_nlp.sample.shares import CUSTOMER, EMPLOYEE
from cx_nlp.sample.text import comment
from cx_nlp.sample.world import Draws

_SECOND = 1_000_000  # microseconds


def draw_block(population: Population, people: People, draws: Draws, *, number: int, day: np.ndarray) -> pd.DataFrame:
    """Responses number, number + 1, ... on these days (N,), ascending -> a frame of N rows, one a response.

    Ratings are floats with NaN where not asked; `text` is None for silent raters; `themes`, `phrases` hold what was
    planted in the text, `group` the rating by which a comment's mood was drawn.
    """
    n = len(day)
    rows: dict[str, np.ndarray] = {"number": np.arange(number, number + n), "day": day}
    source = world.choose(world.SOURCES, draws.uniform("source", n))
    rows["source"] = np.array(list(world.SOURCES))[source]
    is_leader = draws.uniform("leader", n) < world.LEADERS
    rows["role"] = np.where(rows["source"] != "voice", "customer", np.where(is_leader, "leader", "employee"))
    touchpoint = _touchpoints(population.weights, day, draws.uniform("touchpoint", n))
    rows["touchpoint"] = np.array(list(world.TOUCHPOINTS))[touchpoint]
    rows |= _who(people, draws, rows["role"])
    segment = rows.pop("segment_index")
    rows["at"] = _moments(population, draws, day)
    rows["channel"] = _channels(rows["source"], rows["touchpoint"], draws.uniform("channel", n))
    commented = np.array([world.COMMENTED[name] for name in world.SOURCES])[source]
    has_comment = draws.uniform("comment", n) < commented

    # Themes that drive a rating come before it, themes that follow from it after it.
    named = {theme: draws.uniform(f"theme {theme}", n) for theme in theme_names()}
    role = np.where(rows["role"] == "customer", CUSTOMER, EMPLOYEE)
    shares = {theme: population.themes[k][role, :, touchpoint, day] for k, theme in enumerate(named)}  # (N, 3) by group
    driven = {theme: has_comment & (named[theme] < shares[theme][:, 0]) for theme in named}
    ratings = _rate(population, people, draws, rows, touchpoint, segment, has_comment, driven)
    rows |= {name: ratings[name] for name in world.SCALES}
    group = ratings["group"].astype(int)
    rows["group"] = np.array(world.GROUPS)[group]
    is_leader_row = rows["role"] == "leader"
    each = np.arange(n)
    present = np.column_stack(
        [has_comment & ~is_leader_row & (named[theme] < shares[theme][each, group]) for theme in named]
    )
    tone, emotion = _moods(population, draws, group, rows["role"])
    tone[~has_comment] = None
    emotion[~has_comment | is_leader_row] = None
    rows |= {"tone": tone, "emotion": emotion}
    rows["has_comment"] = has_comment
    rows["product"] = np.array(world.PRODUCTS)[(draws.uniform("product", n) * len(world.PRODUCTS)).astype(int)]
    rows["store"] = np.array(world.STORES)[(draws.uniform("store", n) * len(world.STORES)).astype(int)]
    frame = pd.DataFrame({name: pd.Series(values, dtype=_dtype(values)) for name, values in rows.items()})
    return _with_texts(frame, present, dice=random.Random(int(draws.uniform("dice", 1)[0] * 2**53)))


def _dtype(values: np.ndarray):
    return "str" if values.dtype.kind == "U" else values.dtype


def _touchpoints(weights: np.ndarray, day: np.ndarray, draws: np.ndarray) -> np.ndarray:
    bounds = np.cumsum(weights, axis=0)
    bounds = (bounds / bounds[-1])[:-1]  # (T - 1, D)
    return (draws >= bounds[:, day]).sum(axis=0)


def _who(people: People, draws: Draws, role: np.ndarray) -> dict[str, np.ndarray]:
    n = len(role)
    lot = draws.uniform("person", n)
    out = {
        "person": np.empty(n, dtype=object),
        "habit": np.empty(n),
        "language": np.full(n, "en", dtype=object),
        "segment": np.full(n, None, dtype=object),
        "may_quote": np.full(n, 2),
        "may_contact": np.full(n, 2),
        "segment_index": np.zeros(n, dtype=int),
    }
    for name, habits in people.habit.items():
        at = np.flatnonzero(role == name)
        who = people.pick(name, lot[at])
        out["person"][at] = person_ids(name, who)
        out["habit"][at] = habits[who]
        if name == "customer":
            out["language"][at] = np.array(list(world.LANGUAGES), dtype=object)[people.language[who]]
            out["segment_index"][at] = people.segment[who]
            out["segment"][at] = np.array(list(world.SEGMENTS), dtype=object)[people.segment[who]]
            out["may_quote"][at], out["may_contact"][at] = people.may_quote[who], people.may_contact[who]
    return out


def _moments(population: Population, draws: Draws, day: np.ndarray) -> np.ndarray:
    """Local time of the source, between 7 and 23: no clock change touches it."""
    hours = 7 + 8 * (draws.uniform("hour", len(day)) + draws.uniform("minute", len(day)))
    start = np.datetime64(population.start, "us")
    return start + day.astype("timedelta64[D]") + (hours * 3600 * _SECOND).astype("int64").astype("timedelta64[us]")


def _channels(source: np.ndarray, touchpoint: np.ndarray, draws: np.ndarray) -> np.ndarray:
    channel = np.where(source == "voice", "staff app", "app review").astype(object)
    for name, shares in world.CHANNEL_SHARES.items():
        at = np.flatnonzero((source == "survey") & (touchpoint == name))
        channel[at] = np.array(world.CHANNELS, dtype=object)[world.choose(shares, draws[at])]
    return channel


def _rate(population, people, draws: Draws, rows, touchpoint, segment, has_comment, driven) -> dict[str, np.ndarray]:
    """Ratings (N,) with NaN where the source does not ask or nobody answered, and `group` (N,) of all rows."""
    n = len(touchpoint)
    # One quantile a person and one a response, repeated in part: marginal shares stay exactly what they are.
    own = np.where(draws.uniform("habitual", n) < world.SAME_CUSTOMER, rows["habit"], draws.uniform("response", n))
    full = {}
    for measure, model in population.ratings.items():
        fresh = draws.uniform(f"{measure} alone", n)
        quantile = np.where(draws.uniform(f"{measure} as the others", n) < world.SAME_RESPONSE, own, fresh)
        means = model.means(touchpoint, rows["day"], segment, has_comment, driven)
        full[measure] = tilt.draw(measure, means, quantile, top=model.top).astype(float)
        if measure == "csat":
            staff = np.flatnonzero(rows["role"] != "customer")
            full[measure][staff] = _staff_csat(population.leaders_top, rows["role"][staff], quantile[staff])
    lot = draws.uniform("asked", n)  # NPS is left out below its bound, CSAT just above: never both
    below = world.MISSING["nps"]
    answered = {
        "nps": lot >= below,
        "csat": (lot < below) | (lot >= below + world.MISSING["csat"]),
        "ces": (draws.uniform("ces asked", n) >= world.MISSING["ces"]) & np.isin(rows["touchpoint"], world.CES_AT),
        "rating": np.full(n, True),
    }
    out = {
        name: np.where((rows["source"] == world.ASKED_BY[name]) & answered[name], full[name], np.nan) for name in full
    }
    is_voice = rows["source"] == "voice"
    out["csat"] = np.where(is_voice & (lot >= world.MISSING["voice"]), full["csat"], out["csat"])
    five = np.where(is_voice, full["csat"], full["rating"])
    by_five = np.where(five <= 2, 0, np.where(five == 3, 1, 2))
    by_nps = np.where(full["nps"] <= 6, 0, np.where(full["nps"] <= 8, 1, 2))
    out["group"] = np.where(rows["source"] == "survey", by_nps, by_five)
    return out


def _staff_csat(leaders_top: float | None, role: np.ndarray, quantile: np.ndarray) -> np.ndarray:
    base = np.array(world.SHARES["csat"])
    leaders = base
    if leaders_top is not None:
        leaders = np.append(base[:-1] / base[:-1].sum() * (1 - leaders_top), leaders_top)
    return 1.0 + np.where(role == "leader", world.choose(leaders, quantile), world.choose(base, quantile))


def _moods(population: Population, draws: Draws, group: np.ndarray, role: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Tone (N,) and emotion (N,), None without one. One draw decides both, so that the angry are never full of praise."""
    n = len(group)
    mood = draws.uniform("mood", n)
    tones = np.cumsum(population.tones, axis=1)[:, :-1]
    tone = np.array(world.TONES, dtype=object)[(mood[:, None] >= tones[group]).sum(axis=1)]
    emotion = np.full(n, None, dtype=object)
    # Emotions that no fact is about go with the tone alone.
    other = draws.uniform("other emotion", n) < world.OTHER_EMOTION
    which = draws.uniform("which emotion", n)
    for name, known in (("negative", world.NEGATIVE_EMOTIONS), ("positive", world.POSITIVE_EMOTIONS)):
        free = np.array([emotion for emotion in known if emotion not in population.emotions], dtype=object)
        at = np.flatnonzero(other & ((tone == name) | (tone == "mixed") & ((which < 0.5) == (name == "negative"))))
        emotion[at] = free[(which[at] * len(free)).astype(int)] if len(free) else None
    is_customer = role == "customer"
    low, high = np.zeros(n), np.ones(n)
    for name, shares in population.emotions.items():
        share = shares[group]
        if name in world.NEGATIVE_EMOTIONS:
            hit, low = (mood >= low) & (mood < low + share), low + share
        else:
            hit, high = (mood < high) & (mood >= high - share), high - share
        emotion[is_customer & hit] = name
    return tone, emotion


def _with_texts(frame: pd.DataFrame, present: np.ndarray, *, dice: random.Random) -> pd.DataFrame:
    """Add `text`, `themes` (names joined by |) and `phrases` (lists of (theme, phrase))."""
    names = np.array(theme_names(), dtype=object)
    texts: list[str | None] = [None] * len(frame)
    phrases: list[list[tuple[str, str]]] = [[] for _ in texts]
    columns = [
        frame[name].tolist() for name in ("has_comment", "tone", "emotion", "role", "language", "touchpoint", "product")
    ]
    for i, (has_comment, tone, emotion, role, language, touchpoint, product) in enumerate(zip(*columns, strict=True)):
        if has_comment:
            texts[i], phrases[i] = comment(
                dice, names[present[i]], tone=tone, emotion=emotion if isinstance(emotion, str) else None, role=role,
                language=language, touchpoint=touchpoint, product=product,
            )  # fmt: skip
    themes = ["|".join(theme for theme, _ in said) for said in phrases]
    return frame.assign(text=pd.Series(texts, dtype="str"), themes=pd.Series(themes, dtype="str"), phrases=phrases)
