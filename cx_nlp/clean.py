"""One function from raw text to the text that is stored, trained on and scored.

Training and scoring must see the same strings, so both call `clean_text`; a change here changes model
figures and therefore bumps `CLEAN_VERSION`. Personal data is masked with fixed placeholders before
anything is written or logged.
"""

import html
import ipaddress
import re
import unicodedata
from collections.abc import Callable

import ftfy
import phonenumbers
from stdnum import iban, luhn

CLEAN_VERSION = "clean-1"
PLACEHOLDERS = ("[EMAIL]", "[PHONE]", "[CARD]", "[IBAN]", "[IP]", "[URL]", "[NAME]")

# Regions whose national phone formats are tried; international ones (+…) are found whatever the region.
PHONE_REGIONS = ("GB", "US", "DE", "FR")

# Quantifiers are bounded everywhere: feedback is hostile input and may be crafted to make a regex run for ever.
_URL = re.compile(
    r"(?:\b(?:https?|ftp)://|\bwww\.)[^\s<>\"\]]{1,2048}"
    r"|(?<![\w@.])(?:[a-z0-9-]{1,63}\.){1,4}[a-z]{2,10}/[^\s<>\"\]]{1,2048}",
    re.IGNORECASE,
)
# Public tweet sets arrive anonymised with the bare word "http" where a link stood.
_BARE_HTTP = re.compile(r"(?<!\S)https?(?!\S)")
_EMAIL = re.compile(r"(?<![\w.+%-])[\w.+%'-]{1,254}\s?@\s?(?:[\w-]{1,63}\.){1,5}[A-Za-z]{2,24}\b")
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]){11,30}(?![A-Za-z0-9])")
_DIGIT_GROUPS = re.compile(r"(?<![\w.])\d(?:[ -]?\d){12,18}(?![\w])")
_IPV4 = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w]|\.\d)")
_IPV6 = re.compile(r"(?<![\w:])[0-9A-Fa-f:]{2,39}:[0-9A-Fa-f:]{1,39}(?:\.\d{1,3}){0,3}(?![\w:])")
# Written forms that no numbering plan lists but a person reads as a phone number. A false hit costs a
# number in a text; a miss costs somebody's privacy.
_PHONE_LIKE = re.compile(
    r"(?<![\w.,£$€-])(?:"
    r"\+\d(?:[ ().-]{0,2}\d){7,14}"
    r"|\(?0\d{2,5}\)?(?:[ .-]?\d){5,9}"
    r"|\(\d{3}\)[ .-]?\d{3}[ .-]?\d{4}"
    r"|\d{3}[ .-]\d{3}[ .-]\d{4}"
    r"|\d{3}-\d{4}"
    r")(?![\w-]|[.,]\d)"
)
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}")
_HANDLE = re.compile(r"(?<![\w.@/])@\w{1,30}")
_LINE_BREAK_TAG = re.compile(r"<(?:br|/?p)\s{0,5}/?>", re.IGNORECASE)
_SPACE = re.compile(r"\s+")
# All of Unicode's Cc and Cs but what counts as white space, which becomes one blank.
_CONTROL = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff]")
# Zero-width and bidirectional controls hide text from readers; U+200D and U+FE0F stay: emoji need them,
# and scripts of India join letters by U+200D, but after a Latin letter it only breaks up what a mask should find.
_INVISIBLE = re.compile("(?<=[!-~])\u200d+|[\u00ad\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_EMOJI = re.compile("[\u2190-\u21ff\u2300-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff]")

_PASSES = 12
_TRIGGER = re.compile(r"[&<>@:/\d]|www|http", re.IGNORECASE)

_FTFY = ftfy.TextFixerConfig(unescape_html=False, normalization="NFC", explain=False)


def clean_text(text: str) -> str:
    """Repair, normalise and mask one text.

    text: any `str`, lone surrogates included -> NFC text on one line, personal data replaced by
    `PLACEHOLDERS`; "" for a text that holds nothing visible. Idempotent: cleaning twice changes nothing.
    Currency signs, case, punctuation and emoji are kept: they drive themes and sentiment.
    """
    for attempt in range(2 * _PASSES):
        cleaned = mask(_normalise(text))
        if cleaned == text:
            break
        # One step can set up another: a masked handle bares the next one ("@a@b"). An honest text settles at once
        # or in the second pass; one built to go on for ever loses every character that a rule could start from.
        text = cleaned if attempt != _PASSES else _TRIGGER.sub(" ", cleaned)
    return cleaned


def _normalise(text: str) -> str:
    if not text.isascii():
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    for _ in range(4):  # "&amp;amp;lt;" is escaped more than once in the wild; four levels end any honest text
        unescaped = html.unescape(text)
        if unescaped == text:
            break
        text = unescaped
    text = _LINE_BREAK_TAG.sub(" ", text)
    if not text.isascii():
        text = ftfy.fix_text(text, _FTFY)
        text = _INVISIBLE.sub("", text)
    text = _CONTROL.sub("", text)
    return unicodedata.normalize("NFC", _SPACE.sub(" ", text).strip())


def mask(text: str) -> str:
    """Replace e-mail, phone, card (Luhn), IBAN (mod 97), IP, URL and @handles by `PLACEHOLDERS`.

    Works on any text, cleaned or not, and touches nothing else; "" stays "".
    """
    text = _URL.sub("[URL]", text)
    text = _BARE_HTTP.sub("[URL]", text)
    if "@" in text:
        text = _EMAIL.sub("[EMAIL]", text)
        text = _HANDLE.sub("[NAME]", text)
    if ":" in text:
        text = _IPV6.sub(_if_ip, text)
    if sum(map(str.isdigit, text)) >= 4:
        text = _IBAN.sub(_mask_iban, text)
        text = _DIGIT_GROUPS.sub(_when(luhn.is_valid, "[CARD]"), text)
        text = _IPV4.sub(_if_ip, text)
        text = _mask_phones(text)
    return text


def _when(is_valid: Callable[[str], bool], placeholder: str) -> Callable[[re.Match[str]], str]:
    def replace(match: re.Match[str]) -> str:
        return placeholder if is_valid(re.sub(r"[ -]", "", match[0])) else match[0]

    return replace


def _mask_iban(match: re.Match[str]) -> str:
    """Mask the longest valid prefix: the pattern cannot know where an IBAN ends and upper-case words begin."""
    found = match[0]
    for end in range(len(found), 14, -1):
        if found[end - 1] not in " -" and iban.is_valid(found[:end]):
            return "[IBAN]" + found[end:]
    return found


def _if_ip(match: re.Match[str]) -> str:
    candidate = match[0].rstrip(":") if match[0].endswith(":") and not match[0].endswith("::") else match[0]
    try:
        ipaddress.ip_address(candidate)
    except ValueError:
        return match[0]
    # "a::b" is code or a smiley rather than an address: ask for a digit or a third group.
    if len(re.findall(r"[^:]+", candidate)) < 3 and not re.search(r"\d", candidate):
        return match[0]
    return "[IP]" + match[0][len(candidate) :]


def _mask_phones(text: str) -> str:
    if sum(map(str.isdigit, text)) < 7:
        return text
    spans = [m.span() for m in _PHONE_LIKE.finditer(text) if not _ISO_DATE.fullmatch(m[0])]
    for region in PHONE_REGIONS:
        spans += [(m.start, m.end) for m in phonenumbers.PhoneNumberMatcher(text, region, max_tries=1000)]
    out, at = [], 0
    for start, end in sorted(spans):
        if start < at:
            # Overlapping finds are one number: extend the hole instead of masking twice.
            at = max(at, end)
            continue
        out += [text[at:start], "[PHONE]"]
        at = end
    return "".join(out) + text[at:]


def is_readable(cleaned: str) -> bool:
    """True if a letter or an emoji is left once the placeholders are taken out; False for ""."""
    for placeholder in PLACEHOLDERS:
        cleaned = cleaned.replace(placeholder, "")
    return any(c.isalpha() for c in cleaned) or bool(_EMOJI.search(cleaned))
