"""Claims about reading YAML: it means what a person reads in it, or is refused with its line."""

import pytest

from hypertuning.config import UserError
from hypertuning.strict_yaml import LARGEST_FILE, read_yaml


def written(tmp_path, text):
    file = tmp_path / "file.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("1e-3", 0.001), ("1E5", 100000.0), ("-.5", -0.5), ("1.", 1.0), ("64", 64), ("+3", 3),
        ("true", True), ("No", False), ("on", True), ("none", "none"), ("~", None), ("", None),
        ("'64'", "64"), ('"no"', "no"), (".inf", float("inf")),
        # what YAML 1.1 takes for 8, 90, a date, 1000, 64 and 15 is none of these to a person
        ("010", "010"), ("1:30", "1:30"), ("2001-01-01", "2001-01-01"), ("1_000", "1_000"),
        ("0x40", "0x40"), ("0b1111", "0b1111"), ("9" * 5000, "9" * 5000),
        (b"\xef\xbb\xbfa: 1", {"a": 1}), ("a: 1\r\nb: [2, x]\r\n", {"a": 1, "b": [2, "x"]}),
        ("- &base {a: 1, b: 2}\n- {<<: *base, b: 3}", [{"a": 1, "b": 2}, {"a": 1, "b": 3}]),
    ],
)  # fmt: skip
def test_a_value_is_what_a_person_reads(tmp_path, text, content):
    read = read_yaml(written(tmp_path, text)).content
    assert read == content
    assert type(read) is type(content)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3", ", line 3: `a` stands twice, the first time on line 1"),
        ("- a: 1\n- {b: 1, c: 2, b: 3}", ", line 2: `b` stands twice, the first time on line 2"),
        ("a: 1\n3: 2", ", line 2: must map parameters: every name must be a text"),
        ('"a\\nb": 1\n"a\\nb": 2', ", line 2: `a b` stands twice, the first time on line 1"),
        ("on: 2", ", line 1: must map parameters: every name must be a text"),
        ("? [a]\n: 2", ", line 1: must map parameters: every name must be a text"),
        ("a: 1\nb: !!int '3'", ", line 2: the tag !!int is not read; write the value alone"),
        ("a: !!python/object:os.system {}", "the tag !!python/object:os.system is not read"),
        ("a: 1\n---\nb: 2", ", line 2: expected a single document in the stream, but found anoth"),
        ("a:\n\tb: 1", ", line 2: while scanning for the next token, found character '\\t' that"),
        ("a: &x [1]\nb: &y [*x, *x]", ", line 2: *x stands inside of another anchor"),
        ("&x [*x]", ", line 1: *x stands inside of another anchor"),
        ("a: [1,", ", line 1: while parsing a flow node"),
        ("a: *x", ", line 1: found undefined alias 'x'"),
        ("a: 1\n<<: 3", ", line 2: while constructing a mapping, expected a mapping or list"),
        (b"a: 1\nb: caf\xe9", ", line 2: not UTF-8; save the file as UTF-8"),
        ("a: 1".encode("utf-16"), ", line 1: not UTF-8"),
        (b"a: \x00", " is not YAML: unacceptable character"),
        ("[" * 400, " is nested too deeply"),
        (b" " * (LARGEST_FILE + 1), " is too large to be read"),
    ],
)
def test_what_could_mean_something_else_is_refused_with_its_line(tmp_path, text, message):
    file = written(tmp_path, text)
    with pytest.raises(UserError) as refused:
        read_yaml(file)
    assert str(refused.value).startswith(f"{file}{message}") or message in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"^there is no /.*"):
        read_yaml(tmp_path / "nowhere.yaml")
    with pytest.raises(UserError, match="cannot be read: Is a directory"):
        read_yaml(tmp_path)


def test_what_an_earlier_version_has_accepted_is_read_as_it_read_it(tmp_path):
    file = written(tmp_path, "a: 010\nb: 1:30\na: 1e-3")
    assert read_yaml(file, strict=False).content == {"a": "1e-3", "b": 90}
