"""
Files of any size and encoding as blocks of lines, in bounded memory.

A block is about a megabyte of whole lines in an encoding that extends ASCII. A line that is longer than a
block comes in overlapping pieces.
"""

from __future__ import annotations

import codecs
import itertools
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from pytest_promotion.secrets.lines import CONTEXT_LINES

BLOCK_BYTES: Final = 1 << 20
OVERLAP_BYTES: Final = 1 << 14  # longer than any secret that is looked for
_SAMPLE_BYTES: Final = 1 << 16
_CONTEXT_CHARACTERS: Final = 4000
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark is the start of this one
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_MAGIC: Final = re.compile(
    rb"\x7fELF|\x89PNG|GIF8|\xff\xd8\xff|PK[\x03\x05\x07]|\x1f\x8b|BZh\d|\xfd7zXZ|\x28\xb5\x2f\xfd|%PDF-|"
    rb"SQLite format 3\x00|"
    rb"RIFF....(?:WEBP|WAVE|AVI )|MZ.{60}|\xca\xfe\xba\xbe|PAR1|Rar!|7z\xbc\xaf|OggS|wOF[F2]|\x00asm",
    re.DOTALL,
)
# Programs, pictures, sounds and fonts: what is printable in them is code, and looks like anything.
_NO_DATA: Final = re.compile(
    rb"\x7fELF|MZ|\xca\xfe\xba\xbe|[\xce\xcf]\xfa\xed\xfe|\x00asm|!<arch>|\x89PNG|GIF8|\xff\xd8\xff|RIFF|OggS|ID3|wOF[F2]|\x00\x01\x00\x00\x00"
    rb"|OTTO|\x00\x00\x01\x00|BM"
)
_NOT_PRINTABLE: Final = re.compile(rb"[^\x20-\x7e]+")
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
# Of random bytes a tenth are control characters; text in any alphabet of single bytes has none.
_ODD_UTF8, _ODD_OTHER = 0.3, 0.05


class Binary(Exception):
    """The file is not text."""


def holds_no_data(head: bytes) -> bool:
    """Whether a file that is not text and begins with *head* is a program, a picture, a sound or a font."""
    return _NO_DATA.match(head) is not None


class Changed(Exception):
    """The file became shorter while it was read."""


@dataclass(frozen=True, slots=True)
class Block:
    """Lines `number`, `number + 1`, … of a file, with the lines around them."""

    data: bytes
    number: int
    before: tuple[str, ...]
    after: tuple[str, ...]


def decode(line: bytes) -> str:
    """The text of one line: UTF-8, or Latin-1 where it is not."""
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("latin-1")


def encoding_of(sample: bytes) -> tuple[str, int]:
    """
    The encoding that a file's first bytes show, `""` for any that extends ASCII, and the length of its mark.

    Raises:
        Binary: where they are not text.
    """
    for mark, name in _BOMS:
        if sample.startswith(mark):
            return ("" if name == "utf-8" else name), len(mark)
    if _MAGIC.match(sample) and _CONTROL.search(sample):  # a text may begin with such letters
        raise Binary
    half = len(sample) // 2
    if half >= 4:
        # Text in UTF-16 without a mark: mostly ASCII, so every other byte is zero.
        low, high = sample[0 : 2 * half : 2].count(0) / half, sample[1 : 2 * half : 2].count(0) / half
        if high > 0.6 and low < 0.2:
            return "utf-16-le", 0
        if low > 0.6 and high < 0.2:
            return "utf-16-be", 0
    # Zeros alone are a log that was cut while it was written: what follows them is text.
    rest = sample.replace(b"\0", b"")
    try:
        codecs.getincrementaldecoder("utf-8")().decode(rest)
        share = _ODD_UTF8
    except UnicodeDecodeError:
        share = _ODD_OTHER
    if len(_CONTROL.findall(rest)) > share * len(rest):
        raise Binary
    return "", 0


def blocks(path: Path, progress: Callable[[int], None]) -> Iterator[Block]:
    """
    The blocks of the file at *path*, as far as it went when it was opened; *progress* is told bytes.

    Raises:
        OSError: where it cannot be read.
        Binary: where it is not text.
        Changed: where it became shorter meanwhile, so that a part was not seen.
    """
    with path.open("rb", buffering=0) as file:
        yield from of_stream(file, os.fstat(file.fileno()).st_size, progress)


def of_stream(file: IO[bytes], size: int | None, progress: Callable[[int], None]) -> Iterator[Block]:
    """The blocks of *file*, of its first *size* bytes, or up to its end. Raises what `blocks` does."""
    return _blocks(_lines(_chunks(_parts(file, size), progress)))


def of_binary(file: IO[bytes], progress: Callable[[int], None]) -> Iterator[Block]:
    """The printable ASCII of a file that is not text, each run of it a line."""
    return _blocks(_lines(_printable(_parts(file, None), progress)))


def _blocks(pieces: Iterator[tuple[bytes, int]]) -> Iterator[Block]:
    held: tuple[bytes, int] | None = None
    before: tuple[str, ...] = ()
    for data, number in pieces:
        if held is not None:
            yield Block(*held, before, _head(data))
            before = _tail(held[0])
        held = (data, number)
    if held is not None:
        yield Block(*held, before, ())


def _parts(file: IO[bytes], size: int | None) -> Iterator[bytes]:
    count, most = 0, _SAMPLE_BYTES
    while size is None or count < size:
        part = file.read(most if size is None else min(most, size - count))
        if not part:
            if size is None:
                return
            raise Changed
        count, most = count + len(part), BLOCK_BYTES
        yield part


def _printable(parts: Iterator[bytes], progress: Callable[[int], None]) -> Iterator[bytes]:
    for part in parts:
        progress(len(part))
        yield _NOT_PRINTABLE.sub(b"\n", part)


def _chunks(parts: Iterator[bytes], progress: Callable[[int], None]) -> Iterator[bytes]:
    """The bytes of the file in an encoding that extends ASCII, lines ended by newlines."""
    sample = next(parts, b"")
    encoding, skip = encoding_of(sample)
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace") if encoding else None
    pending = b""
    for part in itertools.chain((sample[skip:],), parts):
        progress(len(part))
        text = pending + (decoder.decode(part).encode("utf-8", "replace") if decoder else part)
        pending = b"\r" if text.endswith(b"\r") else b""
        text = text.removesuffix(pending)
        if text:
            yield _with_newlines(text)
    rest = pending + (decoder.decode(b"", final=True).encode("utf-8", "replace") if decoder else b"")
    if rest:
        yield _with_newlines(rest)


def _with_newlines(text: bytes) -> bytes:
    return text.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in text else text


def _lines(chunks: Iterator[bytes]) -> Iterator[tuple[bytes, int]]:
    carry, number = b"", 1
    for chunk in chunks:
        data = carry + chunk
        end = data.rfind(b"\n") + 1
        if not end:
            if len(data) < BLOCK_BYTES:
                carry = data
            else:
                yield data, number
                carry = data[-OVERLAP_BYTES:]
            continue
        yield data[:end], number
        number += data.count(b"\n", 0, end)
        carry = data[end:]
    if carry:
        yield carry, number


def _head(data: bytes) -> tuple[str, ...]:
    lines = data[: CONTEXT_LINES * _CONTEXT_CHARACTERS].split(b"\n", CONTEXT_LINES)[:CONTEXT_LINES]
    return tuple(decode(line)[:_CONTEXT_CHARACTERS] for line in lines)


def _tail(data: bytes) -> tuple[str, ...]:
    lines = (
        data[-CONTEXT_LINES * _CONTEXT_CHARACTERS :].removesuffix(b"\n").rsplit(b"\n", CONTEXT_LINES)[-CONTEXT_LINES:]
    )
    return tuple(decode(line)[:_CONTEXT_CHARACTERS] for line in lines)


def around(block: Block, start: int, end: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The lines before and after the one at *start* to *end* of a block."""
    width = CONTEXT_LINES * _CONTEXT_CHARACTERS
    ahead = block.data[max(0, start - width) : start]
    behind = block.data[end + 1 : end + 1 + width]
    before = (*block.before, *_tail(ahead)) if ahead else block.before
    after = (*_head(behind), *block.after) if behind else block.after
    return before[-CONTEXT_LINES:], after[:CONTEXT_LINES]
