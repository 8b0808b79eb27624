"""Keccak-256 over many short messages at once (numpy), for EIP-55 checksums.

Python's hashlib has SHA3-256, whose padding differs from the original Keccak that Ethereum uses.
Source: Keccak reference (rotation offsets, round constants), EIP-55.
"""

from __future__ import annotations

import numpy as np

_RATE = 136  # bytes absorbed in one block by Keccak-256


def _round_constants() -> list[int]:
    constants, lfsr = [], 1
    for _ in range(24):
        constant = 0
        for j in range(7):
            if lfsr & 1:
                constant |= 1 << ((1 << j) - 1)
            lfsr = (lfsr << 1) ^ (0x171 if lfsr & 0x80 else 0)
        constants.append(constant)
    return constants


def _rotations() -> dict[tuple[int, int], int]:
    offsets, x, y = {(0, 0): 0}, 1, 0
    for t in range(24):
        offsets[x, y] = ((t + 1) * (t + 2) // 2) % 64
        x, y = y, (2 * x + 3 * y) % 5
    return offsets


_CONSTANTS = [np.uint64(c) for c in _round_constants()]
_OFFSETS = _rotations()


def _rotate(lane: np.ndarray, by: int) -> np.ndarray:
    if by == 0:
        return lane
    return (lane << np.uint64(by)) | (lane >> np.uint64(64 - by))


def _permute(lanes: list[np.ndarray]) -> list[np.ndarray]:
    """Keccak-f[1600]; lanes[x + 5 * y], each an array over the messages."""
    for constant in _CONSTANTS:
        column = [lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20] for x in range(5)]
        theta = [column[(x - 1) % 5] ^ _rotate(column[(x + 1) % 5], 1) for x in range(5)]
        moved: list[np.ndarray] = [None] * 25  # type: ignore[list-item]
        for y in range(5):
            for x in range(5):
                moved[y + 5 * ((2 * x + 3 * y) % 5)] = _rotate(lanes[x + 5 * y] ^ theta[x], _OFFSETS[x, y])
        lanes = [
            moved[x + 5 * y] ^ (~moved[(x + 1) % 5 + 5 * y] & moved[(x + 2) % 5 + 5 * y])
            for y in range(5)
            for x in range(5)
        ]
        lanes[0] = lanes[0] ^ constant
    return lanes


def keccak256(messages: np.ndarray) -> np.ndarray:
    """Digest of each row: uint8 [n, length < 136] -> uint8 [n, 32]."""
    count, length = messages.shape
    if length >= _RATE:
        raise ValueError(f"keccak256 takes messages of fewer than {_RATE} bytes, got {length}")
    block = np.zeros((count, _RATE), dtype=np.uint8)
    block[:, :length] = messages
    block[:, length] ^= 0x01
    block[:, _RATE - 1] ^= 0x80
    words = block.view("<u8")
    zero = np.zeros(count, dtype=np.uint64)
    lanes = [np.ascontiguousarray(words[:, i]) if i < _RATE // 8 else zero for i in range(25)]
    lanes = _permute(lanes)
    return np.ascontiguousarray(np.stack(lanes[:4], axis=1).astype("<u8")).view(np.uint8)
