"""QR codes as SVG that a strict content policy allows: no style, no script, dark on white in any colour scheme."""

from __future__ import annotations

import re

import qrcode
from django.utils.html import format_html
from django.utils.safestring import SafeString

MARGIN = 4
"""Modules of white around the code; ISO/IEC 18004 asks for four."""


def qr_svg(text: str, title: str) -> SafeString:
    """Return `text` as a QR code, named `title` for those who do not see it."""
    code = qrcode.QRCode(border=0, error_correction=qrcode.constants.ERROR_CORRECT_M)
    code.add_data(text)
    rows = code.get_matrix()
    size = len(rows) + 2 * MARGIN
    path = "".join(
        f"M{run.start() + MARGIN} {row + MARGIN}h{len(run[0])}v1h-{len(run[0])}z"
        for row, modules in enumerate(rows)
        for run in re.finditer("1+", "".join("01"[dark] for dark in modules))
    )
    return format_html(
        '<svg class="qr" role="img" viewBox="0 0 {0} {0}" width="240" height="240" shape-rendering="crispEdges">'
        '<title>{1}</title><rect width="{0}" height="{0}" fill="#fff"/><path d="{2}" fill="#000"/></svg>',
        size,
        title,
        path,
    )
