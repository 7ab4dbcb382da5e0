"""From responses to records: ids, second comments, and who knows what about them."""

import random

import numpy as np
import pandas as pd

from cx_nlp.sample import world
from cx_nlp.sample.text import second_comment
from cx_nlp.sample.world import Draws

_PREFIX = {"survey": "S", "reviews": "V"}


def expand(frame: pd.DataFrame, draws: Draws, *, dice: random.Random) -> pd.DataFrame:
    """Responses (see `draw.draw_block`) -> records, in order, index 0..N-1: a second comment follows its first.

    Adds feedback_id, response_id, question, part (1 or 2), has_second, updated_at, export_day, noise, outcome, reason.
    """
    has_second = (
        (frame["source"] == "survey")
        & frame["has_comment"]
        & (draws.uniform("second comment", len(frame)) < world.SECOND_COMMENT)
    ).to_numpy()
    rows = frame.iloc[np.repeat(np.arange(len(frame)), 1 + has_second)].reset_index(drop=True)
    rows["has_second"] = np.repeat(has_second, 1 + has_second)
    rows["part"] = 1 + rows["number"].duplicated().astype(int)
    is_second = rows["part"] == 2
    if is_second.any():
        languages = rows.loc[is_second, "language"]
        rows.loc[is_second, "text"] = [second_comment(dice, language=language) for language in languages]
        rows.loc[is_second, ["themes", "emotion"]] = ["", None]
        rows.loc[is_second, "at"] += np.timedelta64(95, "s")
        rows["phrases"] = [[] if second else said for second, said in zip(is_second, rows["phrases"], strict=True)]
    is_survey = rows["source"] == "survey"
    rows["question"] = np.where(is_survey, np.array(world.QUESTIONS, dtype=object)[rows["part"] - 1], None)
    number = rows["number"].map("{:07d}".format)
    rows["response_id"] = np.where(is_survey, "R-" + number, None)
    # The staff app gives its notes no id: they are told apart by what they say.
    own = rows["source"].map(_PREFIX) + "-" + number + np.where(is_survey, "-" + rows["part"].astype(str), "")
    rows["feedback_id"] = np.where(rows["source"] == "voice", None, own)
    rows["updated_at"] = rows["at"]
    rows["export_day"] = rows["day"]
    rows["noise"], rows["outcome"] = "", "new"
    rows["reason"] = pd.Series(None, index=rows.index, dtype="str")
    # What an export lost on the way, at random.
    for column, name, share in (("segment", "segment lost", 0.08), ("person", "person lost", 0.06)):
        lost = np.repeat(draws.uniform(name, len(frame)) < share, 1 + has_second) & (rows["role"] == "customer")
        rows[f"shown_{column}"] = rows[column].where(~lost, None)
    lost = np.repeat(draws.uniform("touchpoint lost", len(frame)) < 0.4, 1 + has_second)
    rows["shown_touchpoint"] = rows["touchpoint"].where(~(lost & (rows["source"] == "reviews")), None)
    return rows
