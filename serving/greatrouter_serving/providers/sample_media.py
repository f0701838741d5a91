"""Small valid files made from nothing: a PNG, an animated GIF, a WAV. Same arguments, same bytes."""

import io
import math
import struct
import sys
import wave
import zlib
from array import array
from collections.abc import Sequence
from functools import lru_cache

Colour = tuple[int, int, int]

_SAMPLE_RATE_HZ = 8000
_LOUDNESS = 9000
# 7-bit pixels make every LZW code one byte: 128 clears the table, which must happen before it outgrows 8 bits.
_GIF_CLEAR, _GIF_END, _GIF_RUN = b"\x80", b"\x81", 100


def png(colour: Colour, side: int = 64) -> bytes:
    """A square that fades from `colour` at the top to black."""
    rows = bytearray()
    for row in range(side):
        shade = 1 - row / (2 * side)
        rows += b"\0" + bytes(int(part * shade) for part in colour) * side
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(rows), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_png_chunk(kind, data) for kind, data in chunks)


def _png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def gif(colour: Colour, side: int = 16, frames: int = 4) -> bytes:
    """A bar of `colour` that grows from frame to frame, twice a second, for ever."""
    palette = bytes(3) + bytes(colour) + bytes(3 * 126)
    size = struct.pack("<HH", side, side)
    pieces = [b"GIF89a", size, b"\xf6\0\0", palette, b"\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0"]
    for frame in range(1, frames + 1):
        width = side * frame // frames
        pixels = (b"\1" * width + b"\0" * (side - width)) * side
        codes = b"".join(_GIF_CLEAR + pixels[at : at + _GIF_RUN] for at in range(0, len(pixels), _GIF_RUN)) + _GIF_END
        blocks = (codes[at : at + 255] for at in range(0, len(codes), 255))
        pieces.append(b"\x21\xf9\x04\x04" + struct.pack("<H", 50) + b"\0\0\x2c\0\0\0\0" + size + b"\0\x07")
        pieces.extend(bytes([len(block)]) + block for block in blocks)
        pieces.append(b"\0")
    return b"".join(pieces) + b"\x3b"


def wav(pitches_hz: Sequence[int], note_s: float) -> bytes:
    """The notes one after the other, 16 bits mono at 8 kHz."""
    samples = b"".join(_note(pitch, note_s) for pitch in pitches_hz)
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(_SAMPLE_RATE_HZ)
        out.writeframes(samples)
    return file.getvalue()


@lru_cache(maxsize=64)
def _note(pitch_hz: int, note_s: float) -> bytes:
    """Fades out, so that notes do not click. Cached: computing a note of 0.2 s takes 0.5 ms."""
    count = int(_SAMPLE_RATE_HZ * note_s)
    step = 2 * math.pi * pitch_hz / _SAMPLE_RATE_HZ
    samples = array("h", (int(_LOUDNESS * (1 - at / count) * math.sin(at * step)) for at in range(count)))
    if sys.byteorder == "big":
        samples.byteswap()
    return samples.tobytes()
