"""One taxonomy file, from YAML to `Theme`s, with the line of whatever is wrong."""

import difflib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cx_nlp.errors import TaxonomyError, UnknownName
from cx_nlp.shipped import shipped
from cx_nlp.themes.patterns import check_phrase, check_tokens
from cx_nlp.themes.taxonomy import SEED_THRESHOLD, Theme

Path_ = tuple[str | int, ...]  # where in a file: ("themes", 3, "patterns", 0)
_DEEPEST = 12
_TAKEN = {"new": "ids of discovered themes start so", "fit": "ids of fitted themes start so"}
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _CounterExample(_Strict):
    text: str = Field(alias="not")


class _ThemeEntry(_Strict):
    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)
    name: str = Field(min_length=1)
    parent: str | None = None
    owner: str | None = None
    patterns: list[str | list[dict[str, Any]]] = Field(default_factory=list)
    seeds: list[str] = Field(default_factory=list)
    include: list[str] = Field(default_factory=list)
    exclude: list[str] = Field(default_factory=list)
    examples: list[str | _CounterExample] = Field(default_factory=list)


class _FileEntry(_Strict):
    taxonomy: str | None = Field(None, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    version: str | int | float = 1
    seed_threshold: float = Field(SEED_THRESHOLD, ge=0, le=1)
    themes: list[_ThemeEntry] = Field(min_length=1)


@dataclass(frozen=True)
class Claim:
    """An example of a file: its text must get the theme (`is_hit`), or must not."""

    where: Path_
    theme_id: str
    text: str
    is_hit: bool


@dataclass(frozen=True)
class TaxonomyFile:
    path: Path
    name: str
    version: str
    themes: tuple[Theme, ...]
    lines: dict[Path_, int]
    claims: tuple[Claim, ...] = ()

    def error(self, where: Path_, reason: str) -> TaxonomyError:
        return TaxonomyError(str(self.path), _line(self.lines, where), reason)


def resolve(name_or_path: str) -> Path:
    """A shipped taxonomy's file, or the path itself if it looks like one. Raises UnknownName."""
    if "/" in name_or_path or "\\" in name_or_path or name_or_path.endswith((".yaml", ".yml")):
        return Path(name_or_path)
    folder = shipped("configs/taxonomies")
    known = sorted(path.stem for path in folder.glob("*.yaml"))
    if name_or_path not in known:
        raise UnknownName("taxonomy", name_or_path, known)
    return folder / f"{name_or_path}.yaml"


def read_taxonomy(path: Path) -> TaxonomyFile:
    """Read and check one file, all but its examples. Raises TaxonomyError."""
    raw, lines = _yaml(path)
    try:
        entry = _FileEntry.model_validate(raw)
    except ValidationError as error:
        raise _explain(error, path, lines) from None
    name = entry.taxonomy or path.stem
    if name in _TAKEN:
        raise TaxonomyError(
            str(path), _line(lines, ("taxonomy",)), f"a taxonomy cannot be called {name!r}: {_TAKEN[name]}"
        )
    _check_ids(entry.themes, path, lines)
    themes = tuple(
        replace(_theme(name, i, theme, path, lines), seed_threshold=entry.seed_threshold)
        for i, theme in enumerate(entry.themes)
    )
    claims = tuple(
        Claim(
            ("themes", i, "examples", j),
            theme.theme_id,
            one if isinstance(one, str) else one.text,
            isinstance(one, str),
        )
        for i, (theme, its) in enumerate(zip(themes, entry.themes, strict=True))
        for j, one in enumerate(its.examples)
    )
    return TaxonomyFile(path, name, str(entry.version), themes, lines, claims)


def _theme(taxonomy: str, index: int, entry: _ThemeEntry, path: Path, lines: dict[Path_, int]) -> Theme:
    def checked(key: str) -> tuple:
        found = []
        for i, value in enumerate(getattr(entry, key)):
            try:
                found.append(check_phrase(value) if isinstance(value, str) else check_tokens(value))
            except ValueError as error:
                raise TaxonomyError(
                    str(path), _line(lines, ("themes", index, key, i)), f"{entry.id}: {error}"
                ) from None
        return tuple(found)

    try:
        patterns = checked("patterns") or (check_phrase(entry.name),)
    except ValueError as error:
        raise TaxonomyError(str(path), _line(lines, ("themes", index, "name")), f"{entry.id}: {error}") from None
    return Theme(
        theme_id=f"{taxonomy}/{entry.id}",
        name=entry.name,
        parent_theme_id=f"{taxonomy}/{entry.parent}" if entry.parent else None,
        owner=entry.owner,
        patterns=patterns,
        seeds=checked("seeds"),
        include=checked("include"),
        exclude=checked("exclude"),
        examples=tuple(example for example in entry.examples if isinstance(example, str)),
        counter_examples=tuple(example.text for example in entry.examples if not isinstance(example, str)),
    )


def _check_ids(themes: list[_ThemeEntry], path: Path, lines: dict[Path_, int]) -> None:
    """Ids are unique, parents exist, and nothing is its own ancestor or a grandchild."""
    first: dict[str, int] = {}
    for i, theme in enumerate(themes):
        if theme.id in first:
            earlier = _line(lines, ("themes", first[theme.id], "id"))
            raise TaxonomyError(
                str(path), _line(lines, ("themes", i, "id")), f"duplicate id {theme.id!r}, first on line {earlier}"
            )
        first[theme.id] = i
    for i, theme in enumerate(themes):
        if theme.parent is None:
            continue
        line = _line(lines, ("themes", i, "parent"))
        if theme.parent not in first:
            near = difflib.get_close_matches(theme.parent, first, n=1, cutoff=0.5)
            hint = f", did you mean {near[0]!r}?" if near else ""
            raise TaxonomyError(str(path), line, f"{theme.id}: unknown parent {theme.parent!r}{hint}")
        chain = [theme.id]
        while (parent := themes[first[chain[-1]]].parent) in first and parent not in chain:
            chain.append(parent)
        if parent in chain:
            raise TaxonomyError(str(path), line, f"themes form a cycle: {' -> '.join([*chain, parent])}")
        if len(chain) > 2:
            raise TaxonomyError(str(path), line, f"more than two levels: {' -> '.join(chain)}")


def _yaml(path: Path) -> tuple[Any, dict[Path_, int]]:
    """(values, line of each value by its place). Raises TaxonomyError."""
    try:
        root = yaml.compose(path.read_text(encoding="utf-8-sig"), Loader=_LOADER)
    except FileNotFoundError:
        raise TaxonomyError(str(path), None, "no such taxonomy file") from None
    except IsADirectoryError:
        raise TaxonomyError(str(path), None, "is a directory, expected a YAML file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise TaxonomyError(str(path), None, f"cannot be read: {' '.join(str(error).split())}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        reason = getattr(error, "problem", None) or " ".join(str(error).split())
        raise TaxonomyError(str(path), mark.line + 1 if mark else None, f"not readable as YAML: {reason}") from None
    lines: dict[Path_, int] = {}
    seen: set[int] = set()
    build = yaml.SafeLoader("").construct_object

    def value(node: yaml.Node, where: Path_) -> Any:
        line = node.start_mark.line + 1
        lines[where] = line
        if isinstance(node, yaml.ScalarNode):
            return build(node)
        # An alias to a collection can hold itself, or unfold to more than memory holds.
        if id(node) in seen or len(where) > _DEEPEST:
            raise TaxonomyError(str(path), line, "YAML aliases of lists or mappings and deep nesting are not supported")
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            return [value(child, (*where, i)) for i, child in enumerate(node.value)]
        mapping: dict[str, Any] = {}
        for key, child in node.value:
            name = str(getattr(key, "value", ""))
            if name in mapping:
                raise TaxonomyError(str(path), key.start_mark.line + 1, f"key {name!r} is given twice")
            mapping[name] = value(child, (*where, name))
            lines[(*where, name)] = key.start_mark.line + 1
        return mapping

    try:
        return (value(root, ()) if root is not None else None), lines
    except yaml.YAMLError as error:
        raise TaxonomyError(str(path), None, f"not readable as YAML: {' '.join(str(error).split())}") from None


def _line(lines: dict[Path_, int], where: Path_) -> int | None:
    """The line of the deepest known place on the way to `where`."""
    while where and where not in lines:
        where = where[:-1]
    return lines.get(where)


def _explain(error: ValidationError, path: Path, lines: dict[Path_, int]) -> TaxonomyError:
    first = error.errors()[0]
    where: Path_ = tuple(first["loc"])
    line = _line(lines, where)
    if first["type"] == "extra_forbidden":
        key, known = str(where[-1]), list(_FileEntry.model_fields if len(where) == 1 else _ThemeEntry.model_fields)
        near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
        hint = f", did you mean {near[0]!r}?" if near else ","
        return TaxonomyError(str(path), line, f"unknown key {key!r}{hint} known: {', '.join(known)}")
    while where and where not in lines:  # pydantic adds which alternative it tried
        where = where[:-1]
    place = ".".join(map(str, where)) or "file"
    got = first.get("input")
    if first["type"] == "missing":
        return TaxonomyError(str(path), line, f"{place}: {first['loc'][-1]!r} is missing")
    if first["type"] == "string_type" and isinstance(got, bool | int | float):
        return TaxonomyError(str(path), line, f"{place}: expected a text, YAML reads {got!r}; put it in quotes")
    return TaxonomyError(str(path), line, f"{place}: {first['msg']}, got {str(got)[:80]!r}")
