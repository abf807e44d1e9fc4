"""Addresses as they may be shown and kept: without user, password and query."""

import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, unquote

HIDDEN = "…"
_SCHEME = r"[A-Za-z][A-Za-z0-9+.-]*://"
_ADDRESS = re.compile(rf"{_SCHEME}(?:(?!,{_SCHEME})\S)+")  # a comma may part two addresses
_PLACE = re.compile(r"#[\w.-][\w./-]*$")
"""A folder in a repository, which is not secret."""
_PUNCTUATION = "'\"`,.;:)>]}"
"""What may follow an address in a sentence."""
_SERVER = r"(?:\[[0-9A-Fa-f:.]+\]|[\w.-]*)(?::\d+)?"
_SERVERS = re.compile(rf"{_SERVER}(?:,{_SERVER})*")
_SHORT = 3
"""A secret of so few letters is not hidden outside its address: such words are in every text."""


def without_password(address: str) -> str:
    """The scheme, host, port and path of an address.

    Only the scheme, if the host cannot be told from a secret.
    """
    scheme, private, public = _parts(address)
    if not scheme:
        return public
    # in the name of a file, # has no meaning
    public = re.split(r"\?" if public.startswith("/") else r"[?#]", public)[0]
    if "?" in private or not _SERVERS.fullmatch(public.partition("/")[0]):
        return f"{scheme}{HIDDEN}"
    return f"{scheme}{public}"


def without_secrets(text: str, known: str = "") -> str:
    """Remove user, password and query from every address in a text.

    Args:
        known: An address whose secrets are hidden everywhere in the text.
    """
    text = _ADDRESS.sub(lambda found: _shown_in_text(found[0]), text)
    for secret in sorted(_secrets(known), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


def _shown_in_text(found: str) -> str:
    address = found.rstrip(_PUNCTUATION)
    place = _PLACE.search(address)
    shown = without_password(address)
    kept = place[0] if place and not shown.endswith((place[0], HIDDEN)) else ""
    return shown + kept + found[len(address) :]


def _parts(address: str) -> tuple[str, str, str]:
    """Scheme with `://`, user with password, and the rest; the first two may be empty.

    SQLAlchemy allows every character in a password, also / and @. So after a colon, everything up
    to the last @ counts as password. `models:/name@alias` has none.
    """
    scheme, separator, rest = address.partition("://")
    if not separator:
        scheme, rest = "", address
    head = rest.partition("/")[0]
    may_hold_password = ":" in (head if separator else head.rstrip(":"))
    private, at, _ = (rest if may_hold_password else head).rpartition("@")
    return scheme + separator, private, rest[len(private) + len(at) :]


def _secrets(address: str) -> Iterator[str]:
    """The secrets of an address, whole and in the parts into which a parser may split them.

    SQLAlchemy reads and shows `ss@host` as the host of `scheme://user:pa@ss@host`.
    """
    _, private, public = _parts(address)
    server = re.split("[/?#]", public)[0]
    password = private.partition(":")[2]
    values = [value for _, value in parse_qsl(public.partition("?")[2])]
    parts = [part for part in re.split("[@/:?#]", password) if part]
    for word in {private, password, unquote(password), *values, *parts}:
        if len(word) > _SHORT and word not in public.partition("?")[0]:
            yield word
    yield from (f"{part}@{server}" for part in parts)
