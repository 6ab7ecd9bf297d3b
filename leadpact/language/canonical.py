"""The one form of an agreement that is hashed, signed and kept.

Everything that has meaning is in it, resolved: lists with their entries, holidays, the time zone's offsets. A signed
version is read back from here (`load`), never from its file, so that no package can move it.

Fields that stand at their default are left out: a later version of the language can add fields with defaults, and
the hash of an old agreement stays what it was. What breaks if a default is changed: the meaning and the hash of
every version that was ever signed. So defaults of nodes are never changed.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import Final, cast

from leadpact.language import nodes
from leadpact.language.nodes import Agreement, Operator

FORM: Final = 1
_NODES: Final[dict[str, type]] = {
    name: kind for name, kind in vars(nodes).items() if isinstance(kind, type) and dataclasses.is_dataclass(kind)
}
_NAME: Final = "node"


def canonical(agreement: Agreement) -> bytes:
    """The agreement as UTF-8 JSON with sorted keys and no blanks: equal agreements give equal bytes."""
    tree = {"form": FORM, "agreement": _encode(agreement)}
    return json.dumps(tree, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def agreement_hash(agreement: Agreement) -> str:
    """SHA-256 of the canonical form, in hex. It names the version everywhere."""
    return hashlib.sha256(canonical(agreement)).hexdigest()


def load(stored: bytes | str) -> Agreement:
    """The agreement of a canonical form. Nothing is resolved again.

    Raises ValueError where the bytes are not what `canonical` writes.
    """
    try:
        tree: object = json.loads(stored)
    except ValueError as bad:
        raise ValueError("the stored agreement is not JSON") from bad
    if not isinstance(tree, dict):
        raise ValueError("the stored agreement is not an object")  # noqa: TRY004 - bad data, not a bad call
    fields = cast("dict[str, object]", tree)
    if fields.get("form") != FORM:
        raise ValueError(f"the stored agreement has form {fields.get('form')!r}; this leadpact reads form {FORM}")
    agreement = _decode(fields.get("agreement"))
    if not isinstance(agreement, Agreement):
        raise ValueError("the stored form holds no agreement")  # noqa: TRY004 - bad data, not a bad call
    return agreement


def _encode(value: object) -> object:
    if isinstance(value, tuple):
        return [_encode(item) for item in cast("tuple[object, ...]", value)]
    if isinstance(value, Operator):
        return value.value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        kept: dict[str, object] = {_NAME: type(value).__name__}
        for field in dataclasses.fields(value):
            content: object = getattr(value, field.name)
            if field.default is not dataclasses.MISSING and content == field.default:
                continue
            if field.default_factory is not dataclasses.MISSING and content == field.default_factory():
                continue
            kept[field.name] = _encode(content)
        return kept
    if value is None or isinstance(value, str | bool | int):
        return value
    raise TypeError(f"{type(value).__name__} has no canonical form")


def _decode(value: object) -> object:
    if isinstance(value, list):
        return tuple(_decode(item) for item in cast("list[object]", value))
    if not isinstance(value, dict):
        return value
    fields = cast("dict[str, object]", value)
    name = fields.get(_NAME)
    kind = _NODES.get(name) if isinstance(name, str) else None
    if kind is None:
        raise ValueError(f"the stored agreement holds an unknown node {name!r}")
    content = {key: _decode(item) for key, item in fields.items() if key != _NAME}
    if "operator" in content:
        content["operator"] = Operator(content["operator"])
    try:
        return kind(**content)
    except TypeError as bad:
        raise ValueError(f"the stored node {name} does not fit: {bad}") from bad
