"""Report files are opened by content; what cannot be a report is refused with a sentence."""

from __future__ import annotations

import gzip
import os
import pickle
import random
import socket
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from tests.engine.manifest import Bench
from tests.engine.reports import MONDAY, as_csv, name_of, row
from tocsin.engine import opening
from tocsin.engine.opening import BrokenReport, Source, held, opened, sources
from tocsin.formats.beside import is_no_report

DATA = as_csv([row(port=port) for port in range(1, 2_000)])
NAME = name_of("scan_rdp", MONDAY)


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def packed(path: Path, how: str) -> Path:
    if how == "zip":
        return zipped(path, {NAME: DATA})
    if how == "zst":
        with pa.CompressedOutputStream(str(path), "zstd") as stream:
            stream.write(DATA)
    else:
        path.write_bytes({"gz": gzip.compress, "plain": bytes}[how](DATA))
    return path


def read(path: Path) -> list[bytes]:
    found = []
    for source in sources(path):
        with opened(source) as stream:
            found.append(b"".join(iter(lambda: stream.read(1000), b"")))
    return found


@pytest.mark.parametrize("how", ["plain", "gz", "zip", "zst"])
@pytest.mark.parametrize("name", [NAME, f"{NAME}.gz", f"{NAME}.zip", "report.bin"])
def test_a_report_is_opened_whatever_its_name(how: str, name: str, tmp_path: Path) -> None:
    assert read(packed(tmp_path / name, how)) == [DATA]


@pytest.mark.parametrize("how", ["plain", "gz", "zip", "zst"])
def test_every_packing_gives_the_same_report(how: str, tmp_path: Path) -> None:
    suffix = "" if how == "plain" else f".{how}"
    bench = Bench(tmp_path / "store")
    (report,) = bench.run([packed(tmp_path / f"{NAME}{suffix}", how)]).accepted
    plain = Bench(tmp_path / "plain")
    (same,) = plain.run([packed(tmp_path / NAME, "plain")]).accepted
    assert (report.id, report.name, report.records) == (same.id, NAME, 1_999)


def test_the_name_of_a_report_is_without_its_compression(tmp_path: Path) -> None:
    (source,) = sources(packed(tmp_path / f"{NAME}.gz", "gz"))
    assert source == Source(tmp_path / f"{NAME}.gz", NAME)
    archive = zipped(tmp_path / "day.zip", {f"folder/{NAME}": DATA, "folder/": b"", "other.csv": b"a\n1\n"})
    assert [(source.name, source.place) for source in sources(archive)] == [
        (NAME, f"day.zip/folder/{NAME}"),
        ("other.csv", "day.zip/other.csv"),
    ]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_members_of_one_name_are_each_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "day.zip", "w") as archive:
        for name, data in [("a/x.csv", b"1"), ("b/x.csv", b"2"), ("b/x.csv", b"3")]:
            archive.writestr(name, data)
    assert read(tmp_path / "day.zip") == [b"1", b"2", b"3"]
    assert [pickle.loads(pickle.dumps(source)).name for source in sources(tmp_path / "day.zip")] == ["x.csv"] * 3


@pytest.mark.parametrize("how", ["gz", "zst"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_truncated_file_is_refused(how: str, share: float, tmp_path: Path) -> None:
    path = packed(tmp_path / NAME, how)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(BrokenReport, match="cannot be unpacked"):
        read(path)


def test_a_gzip_file_with_a_wrong_sum_is_refused(tmp_path: Path) -> None:
    data = bytearray(gzip.compress(DATA))
    data[-6] ^= 1
    (tmp_path / NAME).write_bytes(bytes(data))
    with pytest.raises(BrokenReport, match="cannot be unpacked"):
        read(tmp_path / NAME)


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    path = packed(tmp_path / NAME, "zip")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(bytes(data))
    with pytest.raises(BrokenReport, match="cannot be"):
        read(path)
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(BrokenReport, match="archive cannot be read"):
        read(path)


@pytest.mark.parametrize(
    ("method", "change"),
    [
        (zipfile.ZIP_LZMA, lambda data: data[:70] + bytes(255 - byte for byte in data[70:82]) + data[82:]),
        (zipfile.ZIP_DEFLATED, lambda data: data.replace(b"\x08\x00", b"\x09\x00")),
        (zipfile.ZIP_DEFLATED, lambda data: data.replace(b"a.csv", b"b.csv", 1)),
    ],
    ids=["lzma", "method", "name"],
)
def test_an_archive_that_is_damaged_inside_is_refused_like_any_other(
    method: int, change: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    path = tmp_path / "2026-11-16-scan_rdp-xm.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("a.csv", b"timestamp,ip\n" * 500)
    path.write_bytes(change(path.read_bytes()))

    with pytest.raises(BrokenReport, match="it cannot be unpacked: "):
        for source in sources(path):
            with opened(source) as stream:
                while stream.read(1 << 16):
                    pass


@pytest.mark.parametrize("name", ["", ".", "./"])
def test_a_member_without_a_name_is_refused(name: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "day.zip", "w") as archive:
        archive.writestr("ab", b"")
    # A name ends at its first zero byte.
    data = (tmp_path / "day.zip").read_bytes().replace(b"ab", name.encode().ljust(2, b"\0"))
    (tmp_path / "day.zip").write_bytes(data)
    with pytest.raises(BrokenReport, match=r"without a name|is empty"):
        sources(tmp_path / "day.zip")


def damaged(chance: random.Random, data: bytes) -> bytes:
    """Return an archive with some bytes changed, most of them in its list of members, or without its end."""
    found = bytearray(data)
    for _ in range(chance.randint(1, 3)):
        if chance.random() < 0.2:
            return bytes(found[: chance.randrange(6, len(found))])
        first = chance.choice([4, max(4, len(found) - 250)])
        found[chance.randrange(first, len(found))] = chance.choice([0, 255, chance.randrange(256)])
    return bytes(found)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_damaged_is_read_or_refused_with_a_sentence(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    whole = [gzip.compress(DATA), pa.compress(DATA, codec="zstd", asbytes=True)]
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        with zipfile.ZipFile(tmp_path / "whole.zip", "w", method) as archive:
            archive.writestr("a/x.csv", DATA[:5_000])
            archive.writestr("b", DATA[:500])
        whole += 3 * [(tmp_path / "whole.zip").read_bytes()]
    refused = 0
    for _ in range(600):
        (tmp_path / "damaged").write_bytes(damaged(chance, chance.choice(whole)))
        try:
            read(tmp_path / "damaged")
        except BrokenReport:
            refused += 1
    assert refused > 300


def test_a_file_that_is_not_there_or_is_empty_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BrokenReport, match="there is no such file"):
        sources(tmp_path / "nothing.csv")
    (tmp_path / "empty.csv").touch()
    with pytest.raises(BrokenReport, match="it is empty"):
        sources(tmp_path / "empty.csv")
    with pytest.raises(BrokenReport, match="cannot be opened"):
        sources(tmp_path)


@pytest.mark.parametrize(
    ("archive", "member", "name"),
    [
        (f"{NAME}.zip", "report.csv", NAME),
        (f"{NAME.removesuffix('.csv')}.zip", "in/report.csv", NAME),
        (f"{NAME.removesuffix('.csv')}.zip", "report", NAME.removesuffix(".csv")),
        (f"{NAME}.zip", "2026-01-02-scan_ssl-x.csv", "2026-01-02-scan_ssl-x.csv"),
        ("mail.zip", "report.csv", "report.csv"),
        ("2026-11-16.zip", "in/scan_rdp.csv", "2026-11-16/scan_rdp.csv"),
        ("night-2026-11-16.zip", "scan_rdp.csv", "night-2026-11-16/scan_rdp.csv"),
    ],
)
def test_an_only_file_that_says_no_day_has_the_name_of_an_archive_that_is_named_as_a_report(
    archive: str, member: str, name: str, tmp_path: Path
) -> None:
    (source,) = sources(zipped(tmp_path / archive, {member: DATA}))

    assert (source.name, source.called) == (name, f"{archive}/{member}")
    with opened(source) as stream:
        assert stream.read(len(DATA) + 1) == DATA


def test_what_a_system_hides_in_an_archive_is_no_report(tmp_path: Path) -> None:
    members = {"report.csv": DATA, "__MACOSX/._report.csv": b"\0\5", ".DS_Store": b"\0", "in/.hidden/x.csv": DATA}

    (source,) = sources(zipped(tmp_path / f"{NAME}.zip", members))

    assert (source.name, source.called) == (NAME, f"{NAME}.zip/report.csv")
    with pytest.raises(BrokenReport, match="the archive is empty"):
        sources(zipped(tmp_path / "hidden.zip", {".DS_Store": b"\0"}))


@pytest.mark.parametrize(
    ("archive", "names"),
    [
        ("2026-11-16.zip", ["2026-11-16/a.csv", "2026-11-16/b.csv", NAME]),
        ("night-2026-11-16.csv.zip", ["night-2026-11-16.csv/a.csv", "night-2026-11-16.csv/b.csv", NAME]),
        ("night.zip", ["a.csv", "b.csv", NAME]),
    ],
)
def test_of_several_files_in_an_archive_those_that_say_no_day_are_called_by_it_too(
    archive: str, names: list[str], tmp_path: Path
) -> None:
    found = sources(zipped(tmp_path / archive, {"a.csv": DATA, "in/b.csv": DATA, f"in\\{NAME}": DATA}))

    assert [source.name for source in found] == names


def test_names_in_an_archive_are_no_longer_than_a_column_and_stay_apart(tmp_path: Path) -> None:
    members = {"x" * 240 + "1.csv": DATA, "x" * 240 + "2.csv": DATA}

    one, other = (source.name for source in sources(zipped(tmp_path / f"2026-11-16-{'y' * 230}.zip", members)))

    assert one != other and max(len(one), len(other)) <= opening.MAX_NAME
    assert one.count("/") == other.count("/") == 1


def test_what_by_its_name_is_no_report_is_passed_over_in_an_archive(tmp_path: Path) -> None:
    path = zipped(tmp_path / f"{NAME}.zip", {"README.txt": b"\0", "in/notes.md": b"\0", "in/report.csv": DATA})

    found = held(path, is_no_report)

    assert [(source.name, source.called) for source in found.reports] == [(NAME, f"{NAME}.zip/in/report.csv")]
    assert found.passed_over == (f"{NAME}.zip/README.txt", f"{NAME}.zip/in/notes.md")
    assert len(sources(path)) == 3


def test_an_archive_of_nothing_but_notes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BrokenReport, match=r"day\.zip: by their names none of the files in the archive is a report\."):
        held(zipped(tmp_path / "day.zip", {"README": b"", "notes.md": b""}), is_no_report)


def test_a_file_that_is_no_archive_is_tried_whatever_its_name(tmp_path: Path) -> None:
    assert len(held(packed(tmp_path / "README", "plain"), is_no_report).reports) == 1


def test_an_archive_without_a_report_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BrokenReport, match="the archive is empty"):
        sources(zipped(tmp_path / "nothing.zip", {}))


@pytest.mark.parametrize("name", ["../escape.csv", "/etc/passwd", "a/../../b.csv", "..\\escape.csv", "C:\\a.csv"])
def test_an_archive_whose_names_lead_out_of_it_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(BrokenReport, match="leads out of it"):
        sources(zipped(tmp_path / "slip.zip", {name: DATA}))


def test_an_encrypted_member_is_refused(tmp_path: Path) -> None:
    data = zipped(tmp_path / "secret.zip", {NAME: DATA}).read_bytes()
    at = data.index(b"PK\x01\x02") + 8
    (tmp_path / "secret.zip").write_bytes(data[:at] + b"\x01" + data[at + 1 :])
    with pytest.raises(BrokenReport, match="is encrypted"):
        sources(tmp_path / "secret.zip")


@pytest.fixture
def small_bombs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "FREE_BYTES", 1 << 20)


@pytest.mark.usefixtures("small_bombs")
@pytest.mark.parametrize("how", ["gz", "zip", "zst"])
def test_a_bomb_is_refused_before_it_goes_off(how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.engine.test_opening.DATA", bytes(8 << 20))
    with pytest.raises(BrokenReport, match=r"unpack"):
        read(packed(tmp_path / NAME, how))


@pytest.mark.usefixtures("small_bombs")
def test_a_report_that_packs_well_is_no_bomb(tmp_path: Path) -> None:
    data = as_csv([row(port=port, tag="x" * 300) for port in range(1, 10_000)])
    (tmp_path / NAME).write_bytes(gzip.compress(data))
    assert len(data) > 2 << 20
    assert read(tmp_path / NAME) == [data]


def test_a_file_larger_than_any_report_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "MAX_BYTES", 10_000)
    for how in ("gz", "zip"):
        with pytest.raises(BrokenReport):
            read(packed(tmp_path / f"{how}-{NAME}", how))


@pytest.mark.parametrize("junk", [bytes(range(256)) * 20, b"\x7fELF" + bytes(4_000), b"%PDF-1.7\n" + b"\xff" * 99])
def test_binary_junk_breaks_its_own_report_only(junk: bytes, tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(junk)
    good = tmp_path / name_of("scan_http", MONDAY)
    good.write_bytes(DATA)
    delta = Bench(tmp_path / "store").run([tmp_path / NAME, good])
    assert [(broken.name, broken.cycles) for broken in delta.broken] == [(NAME, (("scan_rdp", MONDAY),))]
    assert [report.name for report in delta.accepted] == [good.name]


def test_a_pipe_a_socket_or_a_device_is_refused_without_being_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / NAME)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s"))
        (tmp_path / "link.csv").symlink_to(NAME)
        for path in (tmp_path / NAME, tmp_path / "s", tmp_path / "link.csv", Path("/dev/zero")):
            with pytest.raises(BrokenReport, match="no file but a pipe, a socket or a device") as refusal:
                sources(path)
            assert refusal.value.where == path.name


def test_a_pipe_beside_a_good_report_costs_the_good_one_nothing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    good = packed(tmp_path / NAME, "plain")
    delta = Bench(tmp_path / "store").run([tmp_path / "pipe.csv", good])
    assert [report.name for report in delta.accepted] == [NAME]
    assert [broken.name for broken in delta.broken] == ["pipe.csv"]
