"""Rolling windows over events in time order, compiled: each event is added once and expired once.

Belongs here: loops over arrays that numba compiles. Not here: what the arrays mean (velocity.py).

Windows are closed at both ends, and events at the same instant see each other: all of them are added and what is too
old is expired before any of them is written. Blocks (of a party, of an account) are given by `starts`, n + 1 positions;
times are in microseconds and do not fall within a block. Amounts are whole numbers that are not negative, and the
caller guarantees that no sum leaves 63 bits. The functions release the GIL; numba keeps what it compiled.
"""

import numpy as np
from numba import njit

MEAN_SCALE = 10_000
"""A mean of cents is told in millionths of a unit of money: cents * 10^4."""


@njit(cache=True, nogil=True)
def rolling_totals(starts, at, takes, cents, is_valued, width, counts, totals, largest, means, has_values):
    """Count, sum, maximum and mean of the events that `takes` marks, in the window of `width` up to an event's instant.

    Events that are not valued count, and add nothing to sum, maximum and mean. Written for every event, also those that
    are not taken themselves: `counts` (n), `totals`, `largest` and `means` (low words of n 128-bit numbers: [:, 0]);
    `largest` and `means` hold something where `has_values` (n). Means are in MEAN_SCALE, halves up."""
    waiting = np.empty(len(at), np.int64)  # events of the window in falling order of amount: the first is the largest
    for block in range(len(starts) - 1):
        first = here = head = tail = starts[block]
        count = valued = total = 0
        while here < starts[block + 1]:
            now = at[here]
            after = here
            while after < starts[block + 1] and at[after] == now:
                if takes[after]:
                    count += 1
                    if is_valued[after]:
                        valued += 1
                        total += cents[after]
                        while tail > head and cents[waiting[tail - 1]] <= cents[after]:
                            tail -= 1
                        waiting[tail] = after
                        tail += 1
                after += 1
            while at[first] < now - width:
                if takes[first]:
                    count -= 1
                    if is_valued[first]:
                        valued -= 1
                        total -= cents[first]
                        if waiting[head] == first and head < tail:
                            head += 1
                first += 1
            top = cents[waiting[head]] if valued else 0
            mean = 0
            if valued:
                mean = total // valued * MEAN_SCALE + (2 * MEAN_SCALE * (total % valued) + valued) // (2 * valued)
            for event in range(here, after):
                counts[event] = count
                totals[event, 0] = total
                largest[event, 0] = top
                means[event, 0] = mean
                has_values[event] = valued > 0
            here = after


@njit(cache=True, nogil=True)
def rolling_count(starts, at, takes, width, counts):
    """Number of the events that `takes` marks in the window of `width` up to each event's instant."""
    for block in range(len(starts) - 1):
        first = here = starts[block]
        count = 0
        while here < starts[block + 1]:
            now = at[here]
            after = here
            while after < starts[block + 1] and at[after] == now:
                count += takes[after]
                after += 1
            while at[first] < now - width:
                count -= takes[first]
                first += 1
            for event in range(here, after):
                counts[event] = count
            here = after


@njit(cache=True, nogil=True)
def rolling_distinct(starts, order, at, codes, seen, width, counts):
    """Number of different codes in the window of `width` up to each event's instant; an event with code -1 has none.

    `order` says where the events of a block lie in the other arrays, so that blocks need not lie together. `seen` is
    one counter for each code, all 0 before and after."""
    for block in range(len(starts) - 1):
        first = here = starts[block]
        distinct = 0
        while here < starts[block + 1]:
            now = at[order[here]]
            after = here
            while after < starts[block + 1] and at[order[after]] == now:
                code = codes[order[after]]
                if code >= 0:
                    distinct += seen[code] == 0
                    seen[code] += 1
                after += 1
            while at[order[first]] < now - width:
                code = codes[order[first]]
                if code >= 0:
                    seen[code] -= 1
                    distinct -= seen[code] == 0
                first += 1
            for place in range(here, after):
                counts[order[place]] = distinct
            here = after
        for place in range(first, starts[block + 1]):
            if codes[order[place]] >= 0:
                seen[codes[order[place]]] -= 1


@njit(cache=True, nogil=True)
def grouped(codes, size):
    """Events by code, in their order within a code: positions (n), and where each code starts in them (size + 1)."""
    starts = np.zeros(size + 1, np.int64)
    for code in codes:
        starts[code + 1] += 1
    for code in range(size):
        starts[code + 1] += starts[code]
    order, filled = np.empty(len(codes), np.int64), starts[:-1].copy()
    for event in range(len(codes)):
        order[filled[codes[event]]] = event
        filled[codes[event]] += 1
    return order, starts
