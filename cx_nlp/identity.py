"""Keyed hashes: who a row is about and what it says, without storing either.

Every hash is HMAC-SHA256 with the lake's own key, cut to 32 hex digits, so that nobody without the key can try
out e-mail addresses until one fits. The key never leaves the lake's folder or the environment.
"""

import hashlib
import hmac
import os
import re
import secrets
import unicodedata
from pathlib import Path

from cx_nlp.clean import clean_text
from cx_nlp.errors import LakeError

KEY_VARIABLE = "CX_NLP_KEY"
# Control characters and lone surrogates: no file format or terminal takes them well.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
# A shorter id names nobody by itself, and equals floors, scores and row numbers.
_MIN_ID = 3
_SPACE = re.compile(r"\s+")


class Hasher:
    """HMAC-SHA256 over a sequence of parts, unambiguous in their boundaries and in None against ""."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def digest(self, *parts: str | None) -> str:
        """32 hex digits. ("ab", "c"), ("a", "bc"), ("abc",) and ("ab", "c", None) all differ."""
        message = bytearray()
        for part in parts:
            if part is None:
                message += b"\x00"
                continue
            encoded = part.encode("utf-8", "surrogatepass")
            message += b"\x01" + len(encoded).to_bytes(8, "big") + encoded
        return hmac.digest(self._key, message, "sha256").hex()[:32]

    @property
    def fingerprint(self) -> str:
        """16 hex digits that tell two keys apart and give neither away."""
        return hmac.digest(self._key, b"cx-nlp key fingerprint", "sha256").hex()[:16]


def load_key(lake: Path) -> bytes:
    """The lake's key: `CX_NLP_KEY`, else `lake/_key`, made at random (mode 0600) where there is none yet.

    The fingerprint of the first key used is kept in `lake/_state/key_fingerprint`: under another key every row
    would look new. Raises LakeError for another key, an empty one, or a `_key` that is lost or unreadable.
    """
    fingerprint_file = lake / "_state" / "key_fingerprint"
    key_file = lake / "_key"
    try:
        known = fingerprint_file.read_text(encoding="ascii").strip() if fingerprint_file.exists() else None
        key = _read_or_make(key_file, may_make=known is None)
        found = Hasher(key).fingerprint
        if known is None:
            _write_new(fingerprint_file, (found + "\n").encode("ascii"), mode=0o644)
            known = fingerprint_file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise LakeError(f"{lake}: cannot read or make the key: {error}") from None
    if known != found:
        where = KEY_VARIABLE if os.environ.get(KEY_VARIABLE) is not None else key_file
        raise LakeError(f"{lake}: {where} holds key {found}, but the lake was written with key {known}")
    return key


def _read_or_make(key_file: Path, *, may_make: bool) -> bytes:
    secret = os.environ.get(KEY_VARIABLE)
    if secret is not None:
        if not secret.strip():
            raise LakeError(f"{KEY_VARIABLE} is set but empty; unset it or give it the lake's key")
        return hashlib.sha256(secret.strip().encode("utf-8", "surrogateescape")).digest()
    if not key_file.exists():
        if not may_make:
            raise LakeError(f"{key_file} is missing; restore it, or set {KEY_VARIABLE} to the key of this lake")
        _write_new(key_file, secrets.token_hex(32).encode("ascii") + b"\n", mode=0o600)
    text = key_file.read_bytes().strip()
    if len(text) < 32:
        raise LakeError(f"{key_file} is cut short: {len(text)} bytes, expected 64")
    # Hashed as the variable is, so that CX_NLP_KEY="$(cat lake/_key)" names the same key.
    return hashlib.sha256(text).digest()


def _write_new(path: Path, content: bytes, *, mode: int) -> None:
    """Write whole or not at all; a file that another process made first is left as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(part, path)
        except FileExistsError:
            pass
        except OSError:  # a file system without hard links: the lake's lock keeps others out
            if not path.exists():
                part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def canonical(text: str | None) -> str | None:
    """Text as read, NFC, spaces collapsed: what identity is taken over. None stays None."""
    return None if text is None else unicodedata.normalize("NFC", _SPACE.sub(" ", text).strip())


def customer_key(hasher: Hasher, customer_id: str | None) -> str | None:
    """32 hex digits, the same for one id in every source of a lake, so that sources join; None for a blank id.

    Outer blanks and the Unicode form are evened out; upper and lower case stay different people.
    """
    plain = canonical(customer_id)
    return hasher.digest("customer", plain) if plain else None


def row_identity(
    hasher: Hasher, source: str, submitted_at: str | None, customer: str | None, question: str | None, text: str | None
) -> str:
    """What makes two rows without an id of their own the same feedback; all values as read."""
    return hasher.digest("identity", source, submitted_at, canonical(customer), canonical(question), canonical(text))


def occurrence_id(hasher: Hasher, identity: str, occurrence: int) -> str:
    """feedback_id of the n-th (from 0) row of a source among rows of one identity: "h1-" and 32 hex digits."""
    return "h1-" + hasher.digest("feedback", identity, str(occurrence))


def safe_id(hasher: Hasher, value: str, customer: str | None = None, *, always_hash: bool = False) -> str:
    """An id of the source as it may be stored: trimmed, or "h2-" and a keyed hash where it gives a person away.

    That is one that `is_personal` or that holds the row's customer id.
    """
    plain = value.strip()
    if always_hash or (customer and reveals(plain, customer)) or _UNSAFE.search(plain) or is_personal(plain):
        return "h2-" + hasher.digest("id", plain)
    return plain


def is_personal(value: str) -> bool:
    """True if an id of a source names a person: it holds an e-mail address, a handle, an IBAN or a phone number in
    international form ("+44 …"). False for "" and for plain digits, which are ids far more often than numbers to call.
    """
    if "@" not in value and "+" not in value and len(value) < 15:
        return False
    masked = clean_text(value)
    return "[EMAIL]" in masked or "[IBAN]" in masked or "[NAME]" in masked or ("+" in value and "[PHONE]" in masked)


def is_customer(value: str, customer: str) -> bool:
    """True if the value is nothing but the customer's id, of three characters or more, in any case."""
    return len(customer) >= _MIN_ID and value.strip().casefold() == customer.casefold()


def reveals(value: str, customer: str) -> bool:
    """True if an id holds the customer's id, of three characters or more, between others than letters and digits.

    "C-1009/a" and "rev_alice-17" give "C-1009" and "alice" away. Any such id counts, also a plain word: hashing an id
    costs nothing, while in a text only telling ones are hidden (`hide_customer`).
    """
    if len(customer) < _MIN_ID or customer.casefold() not in value.casefold():
        return False
    return is_customer(value, customer) or bool(_whole(customer).search(value))


def hide_customer(text: str, customer: str | None) -> str:
    """Replace a telling customer id in a text by "[NAME]", and a text that is nothing but the id; else as it was."""
    if not customer or customer.casefold() not in text.casefold():
        return text
    if is_customer(text, customer):
        return "[NAME]"
    pattern = _telling(customer)
    return pattern.sub("[NAME]", text) if pattern else text


def _telling(customer: str) -> re.Pattern[str] | None:
    """A pattern for ids that stand for one person wherever they appear. "42" or "guest" do not: None."""
    if customer.isalpha() or len(customer) < (5 if customer.isdigit() else 4):
        return None
    return _whole(customer)


def _whole(customer: str) -> re.Pattern[str]:
    """The id in any case, not within a longer word or number; "_" joins words and is part of none."""
    return re.compile(rf"(?<![^\W_]){re.escape(customer)}(?![^\W_])", re.IGNORECASE)
