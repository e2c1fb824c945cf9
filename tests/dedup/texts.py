"""Made-up texts in families, and the truth about them by brute force."""

from __future__ import annotations

import random


def variants(seed: int, documents: int) -> list[str]:
    """A text, and copies of it with a few words changed."""
    pick = random.Random(seed)
    vocabulary = [f"söz{number}" for number in range(400)]
    made: list[list[str]] = []
    for _ in range(documents):
        if made and pick.random() < 0.5:
            words = list(pick.choice(made))
            for _ in range(pick.choice([0, 1, 1, 2, 8])):
                words[pick.randrange(len(words))] = pick.choice(vocabulary)
        else:
            words = pick.choices(vocabulary, k=pick.choice([3, 40, 120]))
        made.append(words)
    return [" ".join(words) for words in made]


def shingles(text: str, n: int = 5) -> set[tuple[str, ...]]:
    """Runs of n words; a shorter text is one."""
    words = text.split()
    return {tuple(words[i : i + n]) for i in range(len(words) - n + 1)} or {tuple(words)}


def true_jaccard(a: str, b: str) -> float:
    return len(shingles(a) & shingles(b)) / len(shingles(a) | shingles(b))


def true_share(inner: str, outer: str) -> float:
    return len(shingles(inner) & shingles(outer)) / len(shingles(inner))
