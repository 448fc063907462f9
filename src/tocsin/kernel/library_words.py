"""What libraries and the operating system say of input that they cannot read, in sentences of our own.

zlib, zipfile, csv, json and the rest speak English, each in its own manner; who
reads a page knows neither them nor, perhaps, English. What they say of the usual
damage is said here as parts of a sentence that rooms translate. What is not
listed stays as it came, after a sentence of ours: a remark for whoever mends it.
"""

from __future__ import annotations

import re


def gettext_noop(text: str) -> str:
    """Mark a text for translation by rooms that know the reader's language; this one is without Django."""
    return text


_DAMAGED = gettext_noop("its bytes are damaged")
_METHOD = gettext_noop("it is packed by a method that is not read here")
_CHECKSUM = gettext_noop("its checksum is wrong, so it was damaged on the way")
_REFUSED = gettext_noop("access to it is refused")

_SAID = (
    # zlib, gzip, bz2, lzma, zstandard
    (r"Error -\d+ while decompressing data.*", _DAMAGED),
    (r"Invalid data stream|Corrupt input data|Compressed data ended before .*", _DAMAGED),
    (r"ZSTD decompress(ion)? failed.*", _DAMAGED),
    (r"Not a gzipped file.*", gettext_noop("something else follows what is packed in it")),
    (r"CRC check failed.*|Incorrect length of data produced|Bad CRC-32 for file.*", _CHECKSUM),
    (r"Unknown compression method|That compression method is not supported|compression type \d+.*", _METHOD),
    # zipfile
    (r"File is not a zip file", gettext_noop("it breaks off, or is no ZIP archive")),
    (r"Bad (magic number|offset) for .*|Corrupt (extra field|zip64).*|File name in directory .* differ\.?", _DAMAGED),
    (r"Truncated file header|zipfiles that span multiple disks.*", gettext_noop("a part of it is missing")),
    (r".*codec can't decode byte.*", gettext_noop("it names its files in characters that are no text")),
    # csv
    (r"unexpected end of data", gettext_noop("a quote is not closed")),
    (r"'.+' expected after '.+'", gettext_noop("there is text after a closing quote")),
    (r"field larger than field limit .*", gettext_noop("a cell is too long")),
    (r"line contains NUL", gettext_noop("it holds a character that is no text")),
    (r"new-line character seen in unquoted field.*", gettext_noop("a line ends within a cell")),
    # json
    (r"Expecting value", gettext_noop("a value is missing")),
    (r"Expecting property name enclosed in double quotes.*", gettext_noop("a key in double quotes is missing")),
    (r"Expecting ':' delimiter", gettext_noop("a colon is missing")),
    (r"Expecting ',' delimiter", gettext_noop("a comma, or the end of a list, is missing")),
    (r"Illegal trailing comma.*", gettext_noop("there is a comma too many")),
    (r"Extra data", gettext_noop("something follows after its end")),
    (r"Unterminated string starting at", gettext_noop("a quote is not closed")),
    (r"Invalid control character.*", gettext_noop("it holds a character that is no text")),
    (r"Invalid \\+(escape|uXXXX escape).*", gettext_noop("a character after a backslash means nothing")),
    (r"Unexpected UTF-8 BOM.*", gettext_noop("it holds a character that is no text")),
    # toml
    (r"Expected newline or end of document.*", gettext_noop("something follows after the value of a key")),
    (r"Expected '\]{1,2}' at the end of .*", gettext_noop("a bracket around the name of a table is not closed")),
    (r"Expected '=' after a key.*", gettext_noop("an equals sign is missing after a key")),
    (r"Invalid (statement|initial character for a key part)", gettext_noop("a line begins as no key does")),
    (r"Invalid value", gettext_noop("a value is missing, or is not in quotes")),
    (r"Invalid date or datetime", gettext_noop("a date is none")),
    (r"Unclosed (array|inline table)", gettext_noop("a list or a table is not closed")),
    (r"Unterminated string|Illegal character '\\n'|Expected .+", gettext_noop("a quote is not closed")),
    (r"(Illegal|Found invalid) character .*", gettext_noop("it holds a character that is no text")),
    (r"Cannot .*|Duplicate inline table key .*", gettext_noop("a key or a table is there twice")),
    (
        r"Unescaped '\\+' in a string|Invalid hex value|Escaped character is not .*",
        gettext_noop("a character after a backslash means nothing"),
    ),
    # the operating system
    (r"No such file or directory", gettext_noop("it is not there")),
    (r"Permission denied|Operation not permitted", _REFUSED),
    (r"Is a directory", gettext_noop("it is a folder")),
    (r"Not a directory", gettext_noop("a part of its path is no folder")),
    (r"Input/output error", gettext_noop("the disk cannot be read")),
    (r"Read-only file system", gettext_noop("the disk may only be read")),
    (r"File name too long", gettext_noop("its name is too long")),
    (r"Too many levels of symbolic links", gettext_noop("its links go in circles")),
    (r"Too many open files", gettext_noop("too many files are open")),
    (r"Stale file handle", gettext_noop("the network disk has lost it")),
)  # fmt: skip
_PATTERNS = [(re.compile(pattern, re.DOTALL), ours) for pattern, ours in _SAID]
SENTENCES = tuple(dict.fromkeys(ours for _, ours in _SAID))
"""All that may be said."""


def in_our_words(said: str) -> str:
    """Return the part of a sentence, in English, that says the same; nothing for what is not known."""
    return next((ours for pattern, ours in _PATTERNS if pattern.fullmatch(said)), "")
