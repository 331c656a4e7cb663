"""The spool on a real disk: what it said it keeps is there, at whatever byte the process died."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from receiver.spool import Spool, Spooled, framed, unframed
from reconcile.errors import SpoolUnwritable

EIGHT_PM = datetime(2026, 11, 22, 20, tzinfo=UTC)


def delivery(number: int, size: int = 20) -> Spooled:
    return Spooled(EIGHT_PM, "text/plain", f"{number} ".encode() + b"x" * size, "server")


async def opened(folder: Path, **options: int) -> Spool:
    spool = Spool(folder, **options)
    await spool.open()
    return spool


async def drained(spool: Spool) -> list[Spooled]:
    found: list[Spooled] = []
    while (segment := await spool.oldest()) is not None:
        found.extend(segment.records)
        await spool.discard(segment)
    return found


async def test_what_was_appended_comes_back_in_order(tmp_path: Path) -> None:
    spool = await opened(tmp_path / "spool")
    told = [delivery(number) for number in range(5)]
    for each in told:
        await spool.append(each)

    assert await drained(spool) == told
    assert spool.is_empty
    assert list(spool.folder.iterdir()) == []


async def test_those_who_wait_together_are_all_kept(tmp_path: Path) -> None:
    spool = await opened(tmp_path / "spool")
    told = [delivery(number) for number in range(200)]

    await asyncio.gather(*map(spool.append, told))

    assert await drained(spool) == told


async def test_the_next_process_finds_what_the_last_one_left(tmp_path: Path) -> None:
    first = await opened(tmp_path / "spool")
    await first.append(delivery(1))  # and no close: the process is killed
    second = await opened(tmp_path / "spool")
    await second.append(delivery(2))

    assert await drained(second) == [delivery(1), delivery(2)]


@pytest.mark.parametrize("cut", range(len(framed(delivery(2)))))
async def test_a_process_killed_at_any_byte_loses_only_what_it_had_not_confirmed(cut: int, tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    folder.mkdir()
    (folder / "000000000001.spool").write_bytes(framed(delivery(1)) + framed(delivery(2))[:cut])
    spool = await opened(folder)

    segment = await spool.oldest()

    assert segment is not None
    assert segment.records == (delivery(1),)
    assert segment.torn == cut


def test_a_torn_record_in_the_middle_does_not_hide_those_after_it() -> None:
    torn = framed(delivery(2))[:-3]

    records, bytes_lost = unframed(framed(delivery(1)) + torn + framed(delivery(3)))

    assert records == (delivery(1), delivery(3))
    assert bytes_lost == len(torn)


def test_a_flipped_bit_is_noticed() -> None:
    data = bytearray(framed(delivery(1)))
    data[-2] ^= 1

    assert unframed(bytes(data)) == ((), len(data))


async def test_a_long_spool_is_read_a_segment_at_a_time(tmp_path: Path) -> None:
    spool = await opened(tmp_path / "spool", segment_bytes=500)
    told = [delivery(number, size=100) for number in range(20)]
    for each in told:
        await spool.append(each)

    first = await spool.oldest()

    assert first is not None
    assert 0 < len(first.records) < 20
    assert await drained(spool) == told


async def test_what_comes_in_while_a_segment_is_drained_waits_in_the_next_one(tmp_path: Path) -> None:
    spool = await opened(tmp_path / "spool")
    await spool.append(delivery(1))
    segment = await spool.oldest()
    await spool.append(delivery(2))
    assert segment is not None
    await spool.discard(segment)

    assert await drained(spool) == [delivery(2)]


async def test_a_full_spool_says_so_and_keeps_what_it_has(tmp_path: Path) -> None:
    spool = await opened(tmp_path / "spool", most_bytes=300)
    await spool.append(delivery(1, size=100))

    with pytest.raises(SpoolUnwritable, match="holds"):
        await spool.append(delivery(2, size=300))

    assert spool.error is not None
    assert await drained(spool) == [delivery(1, size=100)]


async def test_a_folder_that_cannot_be_made_is_reported_and_tried_again(tmp_path: Path) -> None:
    in_the_way = tmp_path / "spool"
    in_the_way.write_text("a file")
    spool = await opened(in_the_way)
    assert spool.error is not None
    with pytest.raises(SpoolUnwritable):
        await spool.append(delivery(1))

    in_the_way.unlink()
    await spool.append(delivery(2))

    assert spool.error is None
    assert await drained(spool) == [delivery(2)]


async def test_a_write_that_fails_half_way_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = await opened(tmp_path / "spool")
    await spool.append(delivery(1))

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", full)
        with pytest.raises(SpoolUnwritable, match="No space left"):
            await spool.append(delivery(2))
    await spool.append(delivery(3))

    assert await drained(spool) == [delivery(1), delivery(3)]


async def test_closing_leaves_no_empty_file(tmp_path: Path) -> None:
    spool = await opened(tmp_path / "spool")
    await spool.append(delivery(1))
    await drained(spool)
    await spool.close()

    assert list(spool.folder.iterdir()) == []


async def test_what_is_to_go_is_taken_out_of_every_segment(tmp_path: Path) -> None:
    spool = await opened(tmp_path / "spool", segment_bytes=100)
    for number in range(6):
        await spool.append(delivery(number))

    gone = await spool.purge(lambda record: record.body[:1] in b"135")

    assert gone == 3
    data = b"".join(path.read_bytes() for path in spool.folder.iterdir())
    assert not any(f"{number} xxx".encode() in data for number in (1, 3, 5))
    await spool.append(delivery(6))
    assert await drained(spool) == [delivery(number) for number in (0, 2, 4, 6)]


async def test_a_purge_that_was_cut_short_leaves_the_segment_as_it_was(tmp_path: Path) -> None:
    spool = await opened(tmp_path / "spool")
    await spool.append(delivery(1))
    await spool.append(delivery(2))
    await spool.close()
    (path,) = spool.folder.iterdir()
    path.with_suffix(".new").write_bytes(framed(delivery(2))[:10])

    again = await opened(tmp_path / "spool")

    assert await drained(again) == [delivery(1), delivery(2)]
    assert list(again.folder.iterdir()) == []


async def test_a_spool_of_which_everything_goes_is_empty(tmp_path: Path) -> None:
    spool = await opened(tmp_path / "spool")
    await spool.append(delivery(1))

    assert await spool.purge(lambda _record: True) == 1
    assert spool.is_empty
    assert list(spool.folder.iterdir()) == []
