"""How often is a letter read as another? Counted over pages of which the text is known: what was printed is aligned with what was seen."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

import numba as nb
import numpy as np

LEAST_PAGES, MOST_A_PAGE, MOST_ERRORS = 2, 4, 0.12
"""Pages on which a confusion must be seen, times that it counts on each of them, and the share of errors above which a page is left out."""


def confusion_shares(pages: Iterable[tuple[str, str]], alphabet: str) -> dict[str, dict[str, float]]:
    """By what was shown, what was seen and how often per 100,000, of pages of (what is printed, what was seen), folded, with single spaces.

    Both sides have at most two letters. Of a pair of letters the share is that of a pair of middling frequency; of nothing, per 100,000 characters.
    """
    found: Counter[tuple[str, str]] = Counter()
    on_pages: dict[tuple[str, str], int] = defaultdict(int)
    shown: Counter[str] = Counter()
    for true, seen in pages:
        errors, columns = aligned(true, seen)
        if errors > MOST_ERRORS * len(true):
            continue
        shown.update(true)
        here = Counter(pair for pair in _segments(true, seen, columns) if _counts(pair, alphabet))
        found.update(here)
        for pair in here:
            on_pages[pair] += 1
    shares: dict[str, dict[str, float]] = defaultdict(dict)
    for (true, seen), count in sorted(found.items(), key=lambda item: (item[0][0], -item[1], item[0][1])):
        if on_pages[true, seen] >= LEAST_PAGES:
            of = shown[true] if len(true) == 1 else shown.total() / (150 if true else 1)
            shares[true][seen] = round(1e5 * min(count, MOST_A_PAGE * on_pages[true, seen]) / of, 1)
    return dict(shares)


def aligned(true: str, seen: str) -> tuple[int, np.ndarray]:
    """(errors, columns [n, 2] of the places in either, -1 where there is none) by the fewest insertions, deletions and substitutions."""
    errors, columns = _aligned(*(np.array([ord(c) for c in text], np.uint32) for text in (true, seen)))
    return int(errors), columns


def _segments(true: str, seen: str, columns: np.ndarray) -> Iterable[tuple[str, str]]:
    """What differs, between what is the same."""
    left, right = "", ""
    for a, b in [*columns.tolist(), (-2, -2)]:
        if a == -2 or (a >= 0 and b >= 0 and true[a] == seen[b]):
            if left or right:
                yield left, right
            left, right = "", ""
        else:
            left, right = left + (true[a] if a >= 0 else ""), right + (seen[b] if b >= 0 else "")


def _counts(pair: tuple[str, str], alphabet: str) -> bool:
    true, seen = pair
    return (
        len(true) <= 2 and len(seen) <= 2 and set(true) <= {*alphabet, "!"} and set(seen) <= {*alphabet, *"?!1058|"} and bool(true or seen)
    )


@nb.njit(cache=True, nogil=True)
def _aligned(true, seen):  # type: ignore[no-untyped-def]
    n, m = len(true), len(seen)
    table = np.empty((n + 1, m + 1), np.int32)
    table[0] = np.arange(m + 1)
    for i in range(1, n + 1):
        table[i, 0] = i
        for j in range(1, m + 1):
            same = table[i - 1, j - 1] + (true[i - 1] != seen[j - 1])
            table[i, j] = min(same, table[i - 1, j] + 1, table[i, j - 1] + 1)
    columns, k, i, j = np.full((n + m, 2), -1, np.int32), n + m, n, m
    while i or j:
        k -= 1
        if i and j and table[i, j] == table[i - 1, j - 1] + (true[i - 1] != seen[j - 1]):
            i, j = i - 1, j - 1
            columns[k] = i, j
        elif i and table[i, j] == table[i - 1, j] + 1:
            i -= 1
            columns[k, 0] = i
        else:
            j -= 1
            columns[k, 1] = j
    return table[n, m], columns[k:]
