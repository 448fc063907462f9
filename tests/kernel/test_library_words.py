"""What libraries say of damage is known: each case here is made, not copied."""

from __future__ import annotations

import bz2
import csv
import errno
import gzip
import json
import lzma
import os
import re
import tomllib
import zipfile
import zlib
from collections.abc import Callable
from io import BytesIO

import pyarrow as pa
import pytest

from tocsin.kernel.library_words import SENTENCES, in_our_words

TEXT = b"timestamp,ip\n" * 500
PACKED = gzip.compress(TEXT)
CODES = ("ENOENT", "EACCES", "EPERM", "EISDIR", "ENOTDIR", "EIO", "EROFS", "ENAMETOOLONG", "ELOOP", "EMFILE", "ESTALE")
JSON = (
    "", "{", '{"a"', '{"a":1', "[1 2]", "{}x", '"abc', '"a\nb"', r'"\q"', r'"\u12"', "{'a':1}", "[1,]",
    '{"a":1,}', "\ufeff{}",
)  # fmt: skip
TABLES = ('"a', '"a"b,c', "x" * 200_000, "a\rb")


def zipped(change: Callable[[bytes], bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return an archive of one file with some of its bytes changed."""
    whole = BytesIO()
    with zipfile.ZipFile(whole, "w", method) as archive:
        archive.writestr("a.csv", TEXT)
    return change(whole.getvalue())


def read_zip(content: bytes) -> bytes:
    with zipfile.ZipFile(BytesIO(content)) as archive:
        return archive.read("a.csv")


def turned(at: int) -> Callable[[bytes], bytes]:
    return lambda data: data[:at] + bytes(255 - byte for byte in data[at : at + 12]) + data[at + 12 :]


DAMAGE: dict[str, Callable[[], object]] = {
    "zlib": lambda: zlib.decompress(turned(8)(zlib.compress(TEXT))),
    "gzip": lambda: gzip.decompress(turned(14)(PACKED)),
    "gzip, sum": lambda: gzip.decompress(PACKED[:-8] + bytes(8)),
    "gzip, more": lambda: gzip.decompress(PACKED + b"junk"),
    "gzip, method": lambda: gzip.decompress(b"\x1f\x8b\x07" + PACKED[3:]),
    "bzip2": lambda: bz2.decompress(turned(20)(bz2.compress(TEXT))),
    "lzma": lambda: lzma.decompress(turned(30)(lzma.compress(TEXT))),
    "zstd": lambda: pa.decompress(turned(8)(pa.compress(TEXT, "zstd", asbytes=True)), len(TEXT), "zstd"),
    "zip, cut": lambda: read_zip(zipped(lambda data: data[:60])),
    "zip, bytes": lambda: read_zip(zipped(turned(40))),
    "zip, sum": lambda: read_zip(zipped(turned(60), zipfile.ZIP_STORED)),
    "zip, name": lambda: read_zip(zipped(lambda data: data.replace(b"a.csv", b"b.csv", 1))),
    "zip, method": lambda: read_zip(zipped(lambda data: data.replace(b"\x08\x00", b"\x09\x00"))),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_what_is_said_of_packed_bytes_is_known(how: str) -> None:
    with pytest.raises((OSError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError)) as said:
        DAMAGE[how]()

    assert in_our_words(str(said.value)), str(said.value)


@pytest.mark.parametrize("text", JSON)
def test_what_is_said_of_json_is_known(text: str) -> None:
    with pytest.raises(json.JSONDecodeError) as said:
        json.loads(text)

    assert in_our_words(said.value.msg), said.value.msg


@pytest.mark.parametrize("text", TABLES)
def test_what_is_said_of_tables_is_known(text: str) -> None:
    with pytest.raises(csv.Error) as said:
        list(csv.reader([text], strict=True))

    assert in_our_words(str(said.value)), str(said.value)


@pytest.mark.parametrize("code", CODES)
def test_what_the_operating_system_says_is_known(code: str) -> None:
    assert in_our_words(os.strerror(getattr(errno, code)))


def test_ours_are_parts_of_sentences_and_what_is_not_known_is_nothing() -> None:
    assert all(ours[0].islower() and not ours.endswith(".") for ours in SENTENCES)
    assert in_our_words("the moon is full") == in_our_words("") == ""


TOML = (
    "a", "a = ", "[a", "[[a]", "a = 1 b", "a b = 1", "= 1", "a = [1", "a = {b = 1", 'a = "x', "a = 'x", 'a = "x\ny"',
    r'a = "\q"', r'a = "\u12"', r'a = "\ud800"', "a = 1\na = 2", "[a]\n[a]", "a = {b = 1, b = 2}", "a = 2026-99-99",
    "a = \x01", "a = x", "a = 1\n[a]", "\x01", "a = # x\x01", "a.b = 1\na = 2", "a = {}\n[a.b]", '"""', "!",
)  # fmt: skip


@pytest.mark.parametrize("text", TOML)
def test_what_the_reader_of_toml_says_is_known(text: str) -> None:
    with pytest.raises(tomllib.TOMLDecodeError) as refused:
        tomllib.loads(text)
    assert in_our_words(re.sub(r" \(at .*\)\Z", "", str(refused.value))) in SENTENCES
