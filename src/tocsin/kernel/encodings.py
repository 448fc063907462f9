"""Know text that is not UTF-8 by its first bytes, and say how to make it so."""

from __future__ import annotations

UTF_16 = "it is UTF-16 text, which Windows programs call Unicode; only UTF-8 is read."
SAVE_AS_UTF_8 = "Save it as UTF-8 (in a spreadsheet: CSV UTF-8), or use: iconv -f UTF-16 -t UTF-8."
_MARKS = (b"\xff\xfe", b"\xfe\xff")
_SAMPLE_BYTES = 64
_LEAST_BYTES = 8


def is_utf_16(head: bytes) -> bool:
    """Say whether text that begins like this is UTF-16: by its mark, or since every other byte is zero."""
    if head.startswith(_MARKS):
        return True
    sample = head[:_SAMPLE_BYTES]
    even, odd = sample[::2], sample[1::2]
    zeros, others = (even, odd) if not sample[:1].strip(b"\0") else (odd, even)
    return len(sample) >= _LEAST_BYTES and not zeros.strip(b"\0") and b"\0" not in others
