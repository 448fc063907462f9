"""Style sheets and scripts: hashed and compressed once, by whichever process first needs them.

There is no `collectstatic` step to forget. The files of all rooms are gathered
into `TOCSIN_HOME/static/<stamp>`, where the stamp names their content; a new
version of the product has another stamp and so another folder. Gathering takes
a tenth of a second; a folder that is there is used as it is. It is filled
beside its place and renamed, so that two processes starting at once, or a kill
in between, never leave half a folder.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.files.storage import Storage
from django.http import HttpRequest, HttpResponse
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.storage import CompressedManifestStaticFilesStorage

from tocsin.kernel.disk import is_full
from tocsin.kernel.refusals import Unavailable

KEPT_FOLDERS = 2
"""This version's and the one before: a server that still runs while it is upgraded goes on reading the latter."""


class StaticFileNames(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # whitenoise has no types
    """Gives a file's hashed address, from the gathered folder."""

    def __init__(self) -> None:
        super().__init__(location=gathered())


class StaticFileServer(WhiteNoiseMiddleware):  # type: ignore[misc]  # whitenoise has no types
    """Serves the gathered folder."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        super().__init__(get_response)
        self.add_files(str(gathered()), prefix=self.static_prefix)


def gathered() -> Path:
    """Return the folder with this version's files, gathering them when it is not there. Raises Unavailable."""
    files = list(_files())
    folder = Path(settings.TOCSIN_STATIC) / _stamp(files)
    if not (folder / "staticfiles.json").is_file():
        try:
            _gather(files, folder)
        except OSError as error:
            raise Unavailable(_refusal(error, folder.parent)) from error
    return folder


def _refusal(error: OSError, parent: Path) -> str:
    if is_full(error, parent):
        return f"The disk of {parent} is full: the style sheets of the pages cannot be written. Make room."
    return f"Style sheets cannot be written to {parent} ({error.strerror}). Make it writable."


def _files() -> Iterator[tuple[str, Storage]]:
    """Yield each file once with its storage; when two rooms have the same path the first one wins."""
    seen = set()
    for finder in get_finders():
        for path, storage in finder.list([]):
            if path not in seen:
                seen.add(path)
                yield path, storage


def _stamp(files: list[tuple[str, Storage]]) -> str:
    digest = hashlib.sha256()
    for path, storage in sorted(files, key=lambda file: file[0]):
        state = Path(storage.path(path)).stat()
        digest.update(f"{path}\0{state.st_size}\0{state.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def _gather(files: list[tuple[str, Storage]], folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".", dir=folder.parent) as beside:
        filled = Path(beside) / "static"
        storage = CompressedManifestStaticFilesStorage(location=filled)
        for path, source in files:
            with source.open(path) as content:
                storage.save(path, content)
        # Django hands back the error of a file it could not process instead of raising it.
        for _name, _hashed, processed in storage.post_process({path: (storage, path) for path, _ in files}):
            if isinstance(processed, Exception):
                raise processed
        _put_in_place(filled, folder)
    _remove_old(folder.parent)


def _put_in_place(filled: Path, folder: Path) -> None:
    try:
        filled.rename(folder)
    except OSError:
        # Another process was faster: the same stamp means the same content.
        if not (folder / "staticfiles.json").is_file():
            raise


def _remove_old(parent: Path) -> None:
    folders = [path for path in parent.iterdir() if path.is_dir() and not path.name.startswith(".")]
    folders.sort(key=lambda path: path.stat().st_mtime_ns, reverse=True)
    for folder in folders[KEPT_FOLDERS:]:
        shutil.rmtree(folder, ignore_errors=True)
