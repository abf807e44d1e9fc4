"""Read YAML as a person does, and refuse, with its line, what PyYAML would read otherwise.

PyYAML follows YAML 1.1: `1e-3` is text, `010` is 8, `1:30` is 90, and of two equal keys the last
counts. Here numbers are the decimal ones of YAML 1.2.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, NamedTuple

import yaml

from hypertuning import environment
from hypertuning.config import UserError

LARGEST_FILE = 2**20
"""Bytes, far more than a person writes."""


class Document(NamedTuple):
    file: Path
    content: object
    lines: dict[str | int, int]
    """The line on which each entry of the outermost mapping or list begins."""

    @contextmanager
    def at(self, entry: str | int | None = None) -> Iterator[None]:
        """Add the file, and the line on which an entry begins, to a UserError."""
        try:
            yield
        except UserError as error:
            line = f", line {self.lines[entry]}" if entry in self.lines else ""
            raise UserError(f"{self.file}{line}: {_one_line(str(error))}") from error


def read_yaml(file: Path, strict: bool = True) -> Document:
    """Read a YAML file.

    Args:
        strict: Refuse what YAML 1.1 would misread. Files that an earlier version accepted are
            read without it, as that version read them.

    Raises:
        UserError: the file does not exist, is not YAML, or could be misread.
    """
    text = _text(file)
    try:
        loader = (_Loader if strict else yaml.SafeLoader)(text)
        root = loader.get_single_node()
        content = None if root is None else loader.construct_document(root)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = ", ".join(filter(None, [error.context, error.problem]))
        raise UserError(f"{file}, line {mark.line + 1}: {_one_line(problem)}") from error
    except yaml.YAMLError as error:
        raise UserError(f"{file} is not YAML: {_one_line(str(error))}") from error
    except RecursionError as error:
        raise UserError(f"{file} is nested too deeply") from error
    return Document(file, content, _lines(root))


def _one_line(text: str) -> str:
    """Join the lines of a message, which may quote names with line breaks."""
    return " ".join(text.split())


def _text(file: Path) -> str:
    try:
        if (size := file.stat().st_size) > LARGEST_FILE:
            raise UserError(f"{file} is too large to be read: {size} bytes, at most {LARGEST_FILE}")
        written = file.read_bytes()
    except FileNotFoundError as error:
        raise UserError(environment.not_there(file)) from error
    except (OSError, ValueError) as error:  # a name with a zero byte is a ValueError
        cause = getattr(error, "strerror", None) or error
        raise UserError(f"{file} cannot be read: {cause}") from error
    try:
        return written.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = written[: error.start].count(b"\n") + 1
        raise UserError(f"{file}, line {line}: not UTF-8; save the file as UTF-8") from error


def _lines(root: yaml.Node | None) -> dict[str | int, int]:
    if isinstance(root, yaml.MappingNode):
        return {key.value: key.start_mark.line + 1 for key, _ in root.value}
    if isinstance(root, yaml.SequenceNode):
        return {number: node.start_mark.line + 1 for number, node in enumerate(root.value)}
    return {}


class _Loader(yaml.SafeLoader):
    """Refuses double keys, keys that are not text, tags, and aliases inside anchored nodes.

    Nested aliases could make a small file expand without end.
    """

    yaml_implicit_resolvers: ClassVar = {}  # not those of YAML 1.1; ours are added below
    anchored = 0
    """How many nodes with an anchor are being read."""

    def compose_node(self, parent: yaml.Node | None, index: object) -> yaml.Node:
        event = self.peek_event()
        alias = self.check_event(yaml.AliasEvent)
        if alias and self.anchored:
            raise _refusal(f"*{event.anchor} stands inside of another anchor; write it out", event)
        if tag := getattr(event, "tag", None):
            written = tag.replace("tag:yaml.org,2002:", "!!")
            raise _refusal(f"the tag {written} is not read; write the value alone", event)
        begun = bool(event.anchor) and not alias
        self.anchored += begun
        node = super().compose_node(parent, index)
        self.anchored -= begun
        return node

    def compose_mapping_node(self, anchor: str | None) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        seen: dict[str, int] = {}
        for key, _ in node.value:
            if key.tag not in (TEXT, MERGE):
                raise _refusal("must map parameters: every name must be a text", key)
            line = key.start_mark.line + 1
            if key.value in seen:
                other = seen[key.value]
                raise _refusal(f"`{key.value}` stands twice, the first time on line {other}", key)
            seen[key.value] = line
        return node


def _refusal(problem: str, place: yaml.Event | yaml.Node) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=place.start_mark)


TEXT, MERGE = "tag:yaml.org,2002:str", "tag:yaml.org,2002:merge"
FLOAT = r"[-+]?(\d+\.\d*|\.\d+)(e[-+]?\d+)?|[-+]?\d+e[-+]?\d+|[-+]?\.inf|\.nan"
PLAIN = {
    "bool": r"true|yes|on|false|no|off",
    "int": r"[-+]?(0|[1-9]\d{0,18})",
    "float": FLOAT,
    "null": r"~|null|",
    "merge": r"<<",
}
"""Unquoted values that are not text. Other numbers stay text, which no number's field accepts."""

for _kind, _pattern in PLAIN.items():
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_kind}",
        re.compile(rf"(?:{_pattern})\Z", re.ASCII | re.IGNORECASE),
        None,
    )
