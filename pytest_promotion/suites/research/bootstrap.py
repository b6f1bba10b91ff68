"""
Block bootstraps, as counts of how often each moment is drawn.

Replicate b draws from its own Philox substream, the counter of which begins at b in its highest word, so that a
replicate depends on the key and on b alone: not on how many there are, nor on who computes them or when. Only integers
are drawn, and compared as integers, because the streams of numpy's distributions may change between versions.
"""

from __future__ import annotations

import math
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, Literal

from pytest_promotion.canonical import canonical

if TYPE_CHECKING:
    import numpy as np

VERSION: Final = "philox-1"  # of the drawing: another version has other nulls
Method = Literal["stationary", "circular"]


def key_of(seed: int, *words: str) -> int:
    """A 128-bit Philox key that belongs to *seed* and *words*; neighbouring seeds share nothing."""
    return int.from_bytes(sha256(canonical([VERSION, seed, *words])).digest()[:16], "little")


def blocks(method: Method, length: int, block: float, key: int, first: int, many: int) -> tuple[Any, Any]:
    """
    The blocks of *many* replicates from *first* on, one replicate behind the other.

    Stationary (Politis and Romano 1994): a new block begins with probability 1/*block* at each moment. Circular
    (Politis and Romano 1992): every block has *block* moments, the last one as many as are left. Both wrap around at
    the end of the data, and every moment is as likely to begin a block.

    Returns:
        where each block begins in the replicates, counted through all of them, and the moment of the data that stands
        there.
    """
    import numpy as np

    words = np.empty((many, length), dtype=np.uint64)
    stream = np.random.Philox(key=key)
    start: Any = stream.state  # setting it takes a seventh of the time that a new generator does
    for row in range(many):
        start["state"]["counter"][3] = first + row  # its highest word
        stream.state = start
        words[row] = stream.random_raw(length)
    begins = np.zeros((many, length), dtype=bool)
    if method == "stationary":
        np.less(words, np.uint64(min(2**64 - 1, int(2**64 / block))), out=begins)
        begins[:, 0] = True
    else:
        begins[:, :: int(block)] = True
    at = np.flatnonzero(begins)
    # The high half says whether a block begins, the low half where: uniform but for a bias of length / 2**32.
    low = words.reshape(-1)[at] & np.uint64(2**32 - 1)
    return at, (low * np.uint64(length) >> np.uint64(32)).astype(np.int64)


def indices(method: Method, length: int, block: float, key: int, replicate: int) -> Any:
    """The moments that one replicate draws, in order: what other implementations are given to compare with."""
    import numpy as np

    at, origins = blocks(method, length, block, key, replicate, 1)
    sizes = np.diff(at, append=length)
    within = np.arange(length) - np.repeat(at, sizes)
    return (np.repeat(origins, sizes) + within) % length


def counts(method: Method, length: int, block: float, key: int, first: int, many: int) -> np.ndarray[Any, Any]:
    """How often replicates *first* and the *many* - 1 after it draw each moment: shape (many, length), float64."""
    import numpy as np

    at, origins = blocks(method, length, block, key, first, many)
    sizes = np.diff(at, append=many * length)
    number = at // length
    row = number * length
    # Each block adds one from its origin on and takes it back behind its end; one that wraps adds one at the start too.
    ends = origins + sizes
    wraps = ends >= length
    ends -= length * wraps
    steps = np.bincount(row + origins, minlength=many * length)
    steps -= np.bincount(row + ends, minlength=many * length)
    steps[::length] += np.bincount(number[wraps], minlength=many)
    return np.cumsum(steps.reshape(many, length), axis=1, dtype=np.int32).astype(np.float64)


def long_run_variance(values: np.ndarray[Any, Any], block: float) -> np.ndarray[Any, Any]:
    """
    The variance of sqrt(n) times the mean of each column, as the stationary bootstrap has it in expectation.

    Politis and Romano (1994), equation 5 and below: autocovariances weighted by
    (1 - i/n) (1 - q)^i + (i/n) (1 - q)^(n - i), with q = 1/*block*.
    """
    import numpy as np

    length = len(values)
    lags = np.arange(1, length)
    keep = 1 - 1 / block
    weights = (1 - lags / length) * keep**lags + (lags / length) * keep ** (length - lags)
    size = 1 << math.ceil(math.log2(2 * length))
    window = np.zeros(size)
    window[0], window[1:length], window[size - length + 1 :] = 1.0, weights, weights[::-1]
    # By Parseval's theorem the weighted sum of autocovariances is one of the spectrum, which saves the way back.
    spectrum = np.fft.rfft(np.ascontiguousarray((values - values.mean(axis=0)).T), size)
    power = spectrum.real**2 + spectrum.imag**2
    filtered = np.fft.rfft(window).real
    filtered[1:-1] *= 2
    return np.asarray(power @ filtered / (size * length))
