"""Random streams: one independent generator for each named purpose, so that adding a draw in one place moves
nothing elsewhere."""

from __future__ import annotations

import hashlib

import numpy as np


class Streams:
    """Named Philox generators of one seed. `streams("people", "income")` is the same stream in every run."""

    def __init__(self, seed: int):
        self.seed = int(seed)

    def __call__(self, *names: str) -> np.random.Generator:
        digest = hashlib.sha256(("/".join((str(self.seed), *names))).encode()).digest()
        return np.random.Generator(np.random.Philox(key=np.frombuffer(digest[:16], dtype=np.uint64)))


def hex_strings(rng: np.random.Generator, count: int, size: int, prefix: str = "") -> np.ndarray:
    """`count` random hex strings of `size` bytes each, as an object array."""
    text = rng.bytes(count * size).hex()
    width = 2 * size
    out = np.empty(count, dtype=object)
    out[:] = [prefix + text[i : i + width] for i in range(0, count * width, width)]
    return out
