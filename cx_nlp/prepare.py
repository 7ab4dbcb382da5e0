"""Validate and clean: one chunk as read -> rows fit for the lake, and rows that are not, with reasons.

A single bad value becomes null and is named in `issues`; a row is rejected only if it has no readable date, lies in
the future, or says nothing. Personal data is masked in every text that leaves here, and a customer's id leaves only
as a keyed hash.

`row_hash` is taken over all mapped values as read, the fixed values and the kept attributes that are not missing.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from typing import TYPE_CHECKING

import pandas as pd

from cx_nlp import identity
from cx_nlp.clean import CLEAN_VERSION, clean_text
from cx_nlp.config import SourceConfig
from cx_nlp.date_plan import DatePlan, read_dates
from cx_nlp.dates import Moment, read_moment, readings
from cx_nlp.errors import UsageError
from cx_nlp.identity import Hasher
from cx_nlp.mapping import Mapped, Values, fixed_text, map_columns
from cx_nlp.ratings import (
    RATINGS,
    Parsed,
    check_scales,
    read_each,
    read_flag,
    read_rating,
    read_role,
    read_weight,
    scale_name,
)
from cx_nlp.rejects import MAX_DETAIL, bad_record, masked_row, reject_frame
from cx_nlp.schema import STAGED, Issue, Reason, nps_group
from cx_nlp.texts import attributes_json, comments, find_languages, labels

if TYPE_CHECKING:
    from cx_nlp.sources.chunk import Chunk

SUPPORTED = frozenset({"en"})
# How far a date may lie ahead of the run: clocks and time zones differ, diaries do not count.
AHEAD = timedelta(days=2)
_DTYPES = {
    "feedback_date": "object", "submitted_at": "datetime64[us, UTC]", "updated_at": "datetime64[us, UTC]",
    "weight": "float64", "may_quote": "boolean", "may_contact": "boolean", "nps": "Int64", "csat": "Int64",
    "ces": "Int64", "rating": "Float64", "is_response_head": "boolean", "has_own_id": "boolean", "is_deleted": "boolean",
}  # fmt: skip


def check_source(name: str, source: SourceConfig) -> None:
    """Raise UsageError for what no row of a source could make good: an unreadable fixed date, a role that is none."""
    check_scales(name, source)
    readers: dict[str, Callable[[str | None], Parsed]] = {
        "respondent_role": read_role,
        "weight": read_weight,
        "may_quote": partial(read_flag, issue=Issue.MAY_QUOTE_INVALID),
        "may_contact": partial(read_flag, issue=Issue.MAY_CONTACT_INVALID),
    }
    for target, read in readers.items():
        _, issue = read(fixed_text(source.fixed.get(target)))
        if issue:
            raise UsageError(f"source {name!r}: fixed.{target} cannot be {source.fixed[target]!r}")
    day = fixed_text(source.fixed.get("submitted_at"))
    if day is not None and not readings(day, source.date_order):
        raise UsageError(f"source {name!r}: fixed.submitted_at cannot be {day!r}, expected a date such as 2026-03-31")


def prepare(
    chunk: "Chunk",
    *,
    name: str,
    source: SourceConfig,
    hasher: Hasher,
    run_start: datetime,
    file: str,
    date_plan: DatePlan | None = None,
    supported: frozenset[str] | set[str] = SUPPORTED,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """chunk of N rows and B bad ones -> (staged rows, rejects); every one of the N + B is in exactly one of them.

    name: the source's; file: what `STAGED.file` says and errors name; run_start: aware, rows dated more than two days
    after it are rejected, an `updated_at` so far ahead is invalid; date_plan: `plan_dates` of the whole file, for
    sources with `date_sequence`; supported: languages that the model reads. Staged columns are those of
    `schema.STAGED`, `is_response_head` null: that is settled in the lake. The input is left as it is.
    Raises SourceError for a mapped column that is missing, UsageError for a config that cannot be meant.
    """
    check_source(name, source)
    mapped = map_columns(chunk.rows, name=name, source=source, file=file)
    clean = lru_cache(maxsize=None)(clean_text)  # within the chunk only: texts must not outlive it
    values, size = mapped.values, len(chunk.rows)

    dated = read_dates(values["submitted_at"], mapped.sequence, source=source, plan=date_plan)
    deleted_at = read_each(mapped.deleted_at, partial(_read_deletion, source=source))[0]
    updated, updated_issues = read_each(values["updated_at"], partial(_read_update, source=source, run_start=run_start))
    ratings = {t: read_each(values[t], partial(read_rating, target=t, scale=source.scales.get(t))) for t in RATINGS}
    roles, role_issues = read_each(values["respondent_role"], read_role)
    weights, weight_issues = read_each(values["weight"], read_weight)
    quotes, quote_issues = read_each(values["may_quote"], partial(read_flag, issue=Issue.MAY_QUOTE_INVALID))
    contacts, contact_issues = read_each(values["may_contact"], partial(read_flag, issue=Issue.MAY_CONTACT_INVALID))
    issues = [
        "|".join(sorted({issue.value for issue in row if issue}))
        for row in zip(
            [issue for _, issue in dated], updated_issues, role_issues, weight_issues, quote_issues, contact_issues,
            *(found for _, found in ratings.values()), strict=True,
        )
    ]  # fmt: skip

    texts = comments(values["text"], mapped.customers, no_comment=source.no_comment, clean=clean)
    statuses, languages = find_languages(texts, default=source.language, supported=supported)
    customer_keys = _customer_keys(mapped.customers, hasher)
    identities = _identities(mapped, name, hasher)
    own = _own_ids(mapped, "feedback_id", source, hasher)
    feedback_ids = [o or identity.occurrence_id(hasher, i, 0) for o, i in zip(own, identities, strict=True)]
    responses = _own_ids(mapped, "response_id", source, hasher)
    row_hashes = _row_hashes(mapped, source, hasher)
    scale = scale_name(source)

    rated = [
        any(value is not None for value in row) for row in zip(*(found for found, _ in ratings.values()), strict=True)
    ]
    reasons = [
        # A tombstone needs neither date nor comment: it is read for its id alone.
        None if is_deleted else _reason(moment, text, has_rating, run_start)
        for (moment, _), text, has_rating, is_deleted in zip(dated, texts, rated, mapped.deleted, strict=True)
    ]
    stored = partial(labels, customers=mapped.customers, clean=clean)
    columns: dict[str, list] = {
        "source": [name] * size,
        "feedback_id": feedback_ids,
        "row_hash": row_hashes,
        "response_id": [r or f for r, f in zip(responses, feedback_ids, strict=True)],
        "is_response_head": [None] * size,
        "question": stored(values["question"]),
        "feedback_date": [moment.day if moment else None for moment, _ in dated],
        "submitted_at": [moment.at if moment else None for moment, _ in dated],
        "updated_at": [
            max((at for at in (change, deletion) if at is not None), default=None) if is_deleted else change
            for change, deletion, is_deleted in zip(updated, deleted_at, mapped.deleted, strict=True)
        ],
        "channel": stored(values["channel"]),
        "touchpoint": stored(values["touchpoint"]),
        "segment": stored(values["segment"]),
        "respondent_role": roles,
        "customer_key": customer_keys,
        "weight": weights,
        "may_quote": quotes,
        "may_contact": contacts,
        **{target: found for target, (found, _) in ratings.items()},
        "rating_scale": [clean(scale) if scale and r is not None else None for r in ratings["rating"][0]],
        "nps_group": [nps_group(nps) for nps in ratings["nps"][0]],
        "score_status": statuses,
        "language": languages,
        "text": texts,
        "issues": issues,
        "attributes": attributes_json(mapped.attributes, mapped.customers, clean=clean),
        "clean_version": [CLEAN_VERSION] * size,
        "file": [file] * size,
        "position": list(chunk.positions),
        "has_own_id": [o is not None for o in own],
        "identity": identities,
        "is_deleted": mapped.deleted,
    }
    kept = [at for at in range(size) if reasons[at] is None]
    staged = pd.DataFrame(
        {c: pd.Series([columns[c][at] for at in kept], dtype=_DTYPES.get(c, "str")) for c in STAGED.names}
    )
    frame_columns = list(map(str, chunk.rows.columns))
    rejects = [bad_record(bad, name=name, source=source, hasher=hasher, columns=frame_columns) for bad in chunk.bad]
    for at, reason in enumerate(reasons):
        if reason is None:
            continue
        raw = {c: None if pd.isna(v) else v for c, v in zip(frame_columns, chunk.rows.iloc[at], strict=True)}
        customer = mapped.customers[at]
        detail = _detail(reason, clean(values["submitted_at"][at] or ""), issues[at])
        rejects.append(
            {
                **{c: columns[c][at] for c in ("source", "row_hash", "position", "feedback_id", "customer_key")},
                "reason": reason.value,
                "detail": identity.hide_customer(detail, customer)[:MAX_DETAIL],
                "row": masked_row(raw, customer=customer, customer_column=source.columns.get("customer_id")),
            }
        )
    return staged, reject_frame(rejects)


def _read_update(
    text: str | None, *, source: SourceConfig, run_start: datetime
) -> tuple[datetime | None, Issue | None]:
    if text is None or not text.strip():
        return None, None
    moment = read_moment(text, order=source.date_order, zone=source.zone)
    # No later edit could ever replace a row that claims to come from the future.
    if moment is None or _is_ahead(moment, run_start):
        return None, Issue.UPDATED_AT_INVALID
    return moment.at, None


def _read_deletion(text: str | None, *, source: SourceConfig) -> tuple[datetime | None, None]:
    """When a row was deleted, if its tombstone says so; a date without a time is the end of that day, so that a change
    of the same day does not survive it."""
    moment = read_moment(text, order=source.date_order, zone=source.zone) if text else None
    if moment is None or text is None:
        return None, None
    return (moment.at if ":" in text else moment.at + timedelta(days=1)), None


def _is_ahead(moment: Moment, run_start: datetime) -> bool:
    return moment.at > run_start.astimezone(UTC) + AHEAD


def _reason(moment: Moment | None, text: str, has_rating: bool, run_start: datetime) -> Reason | None:
    if moment is None:
        return Reason.NO_DATE
    if _is_ahead(moment, run_start):
        return Reason.DATE_IN_FUTURE
    return None if text or has_rating else Reason.NO_COMMENT_OR_RATING


def _detail(reason: Reason, date: str, issues: str) -> str:
    """date: as written, masked."""
    if reason is Reason.NO_DATE:
        return f"not readable as a date: {date[:80]}" if date else "no date given"
    if reason is Reason.DATE_IN_FUTURE:
        return f"dated more than two days after the run: {date[:80]}"
    invalid = [issue for issue in issues.split("|") if issue.endswith("_invalid")]
    return "neither comment nor rating" + (f" ({', '.join(invalid)})" if invalid else "")


def _customer_keys(customers: Values, hasher: Hasher) -> Values:
    keys = {customer: identity.customer_key(hasher, customer) for customer in set(customers)}
    return [keys[customer] for customer in customers]


def _identities(mapped: Mapped, name: str, hasher: Hasher) -> list[str]:
    parts = (mapped.values[target] for target in ("submitted_at", "customer_id", "question", "text"))
    return [identity.row_identity(hasher, name, *row) for row in zip(*parts, strict=True)]


def _own_ids(mapped: Mapped, target: str, source: SourceConfig, hasher: Hasher) -> Values:
    """Ids of the source, hashed where they give a person away; None for blank ones."""
    column = source.columns.get(target)
    is_customer = column is not None and column == source.columns.get("customer_id")
    out: Values = []
    for value, customer in zip(mapped.values[target], mapped.customers, strict=True):
        plain = (value or "").strip()
        out.append(identity.safe_id(hasher, plain, customer, always_hash=is_customer) if plain else None)
    return out


def _row_hashes(mapped: Mapped, source: SourceConfig, hasher: Hasher) -> list[str]:
    fixed = [part for target in sorted(source.fixed) for part in (target, fixed_text(source.fixed[target]))]
    targets, columns = sorted(mapped.read), sorted(mapped.attributes)
    rows = zip(*(mapped.read[target] for target in targets), strict=True)
    extras = zip(*(mapped.attributes[column] for column in columns), strict=True) if columns else None
    out = []
    for row in rows:
        parts = [part for pair in zip(targets, row, strict=True) for part in pair]
        # A missing attribute leaves no trace: a new and still empty column must not rewrite history.
        extra = zip(columns, next(extras), strict=True) if extras else ()
        parts += ["fixed", *fixed, "attributes", *(part for pair in extra if pair[1] is not None for part in pair)]
        out.append(hasher.digest("row", *parts))
    return out
