"""Up-sampling factors: how often each source stands in the train split, from how many words it has.

A method says how many words (or tokens) of the budget each source gets; its factor is that number divided by what it has.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import fsum
from typing import NamedTuple

from curation.errors import DollmaError, nearest
from curation.writers.parameters import Mixture

DIGITS = 6
"""Decimals of a factor: the same on every machine, whatever its `pow` does with the last bits. On 2 billion words it is off by at most 1,000."""

Sizes = dict[str, float]


class Weighed(NamedTuple):
    """What a recipe says of a source's weight."""

    upsample: float
    domain: str


def factors(words: Mapping[str, float], mixture: Mixture, sources: Mapping[str, Weighed]) -> dict[str, float]:
    """The up-sampling factor of every source, from the words it has for training (after rehydration, if there is one).

    The factors meet `mixture.budget`, unless `max_repeats` caps every source (unimax). Raises DollmaError where the mixture names a domain or source that
    is not there, where nothing is left to fill the budget with, and where `shares` cannot be met.
    """
    check_mixture(mixture, sources)
    explicit = {name: round(source.upsample, DIGITS) for name, source in sources.items()}
    if mixture.budget is None:
        return explicit if mixture.method == "explicit" else dict.fromkeys(sources, 1.0)
    sizes = {name: words[name] * fertility(mixture, name) for name in sorted(words)}
    if not any(sizes[name] * (explicit[name] if mixture.method == "explicit" else 1) for name in sizes):
        raise DollmaError(f"mixture.budget: no words are left to fill a budget of {mixture.budget:,}; keep more, or leave the budget out")
    targets = _targets(sizes, mixture.budget, mixture, sources)
    most = mixture.max_repeats if mixture.method in ("unimax", "shares") else float("inf")
    return {name: min(round(targets[name] / size, DIGITS), most) if (size := sizes[name]) else 0.0 for name in words}


def check_mixture(mixture: Mixture, sources: Mapping[str, Weighed]) -> None:
    """Raises DollmaError, with the nearest spelling, where the mixture names domains or sources that are not there, or leaves some without a number."""
    domains = {source.domain for source in sources.values()}
    for domain in mixture.shares:
        if domain not in domains:
            raise DollmaError(f"mixture.shares: no source counts as {domain!r}: {nearest(domain, domains)}")
    if mixture.method == "shares" and not domains - set(mixture.shares) and fsum(mixture.shares.values()) < 1 - 1e-9:
        raise DollmaError(f"mixture.shares: every domain is named, but the shares add up to {fsum(mixture.shares.values()):g}, not to 1")
    if mixture.method == "shares" and domains - set(mixture.shares) and fsum(mixture.shares.values()) > 1 - 1e-9:
        raise DollmaError(f"mixture.shares: they add up to 1, which leaves nothing for {', '.join(sorted(domains - set(mixture.shares)))}")
    if isinstance(mixture.tokens_per_word, dict):
        for name in mixture.tokens_per_word:
            if name not in sources:
                raise DollmaError(f"mixture.tokens_per_word: no source {name!r}: {nearest(name, sources)}")
        if missing := sorted(set(sources) - set(mixture.tokens_per_word)):
            raise DollmaError(f"mixture.tokens_per_word: no number for {', '.join(missing)}; give one for each source, or one for all")


def fertility(mixture: Mixture, source: str) -> float:
    """Tokens per word of a source; 1 where the budget counts words."""
    given = mixture.tokens_per_word
    return given[source] if isinstance(given, dict) else given or 1.0


def _targets(sizes: Sizes, budget: int, mixture: Mixture, sources: Mapping[str, Weighed]) -> Sizes:
    """What each source gets of the budget."""
    match mixture.method:
        case "explicit":
            return _divided({name: size * sources[name].upsample for name, size in sizes.items()}, budget)
        case "proportional":
            return _divided(sizes, budget)
        case "temperature":
            return _divided(_tempered(sizes, mixture.temperature), budget)
        case "unimax":
            return _unimax(sizes, budget, mixture.max_repeats)
        case "shares":
            return _shares(sizes, budget, mixture, sources)


def _tempered(sizes: Sizes, temperature: float) -> Sizes:
    """Weights size^(1/T) (multilingual BERT, Devlin et al. 2019; mT5, Xue et al. 2021, has T = 3.33)."""
    total = fsum(sizes.values())
    return {name: (size / total) ** (1 / temperature) for name, size in sizes.items()}


def _unimax(sizes: Sizes, budget: float, max_repeats: float) -> Sizes:
    """Algorithm 1 of Chung et al. 2023 (arXiv 2304.09151): from the smallest source on, each gets an equal part of what is left of the budget, but no more
    than `max_repeats` times its size; what it cannot take, the larger ones divide. The budget is not met when all are capped."""
    left, targets = float(budget), {}
    for done, name in enumerate(sorted(sizes, key=lambda name: (sizes[name], name))):
        targets[name] = min(left / (len(sizes) - done), sizes[name] * max_repeats)
        left -= targets[name]
    return targets


def _shares(sizes: Sizes, budget: int, mixture: Mixture, sources: Mapping[str, Weighed]) -> Sizes:
    """The named domains' shares; the others divide the rest, and the sources of a domain its share, in proportion to size.

    A domain too small for its share is an error, and no occasion to give the words to others: a share is what somebody decided, and a corpus with other
    shares under a recipe that states these would be believed. Nothing is lost by it: a changed mixture only composes again.
    """
    named = {domain: {n: s for n, s in sizes.items() if sources[n].domain == domain} for domain in sorted(mixture.shares)}
    rest = {n: s for n, s in sizes.items() if sources[n].domain not in named}
    parts = [(f"mixture.shares.{domain}", mixture.shares[domain], own) for domain, own in named.items()]
    if rest:
        parts.append((f"mixture.shares: the rest ({', '.join(rest)})", 1 - fsum(mixture.shares.values()), rest))
    targets: Sizes = {}
    for called, share, own in parts:
        size = fsum(own.values())
        if share * budget > size * mixture.max_repeats * (1 + 1e-9):
            raise DollmaError(
                f"{called}: {share:.3g} of a budget of {budget:,} is more than max_repeats={mixture.max_repeats:g} times the {size:,.0f} that are left; "
                f"raise max_repeats, lower the share, or lower the budget to {int(size * mixture.max_repeats / share):,}"
            )
        targets |= _divided(own, share * budget)
    return targets


def _divided(parts: Sizes, budget: float) -> Sizes:
    total = fsum(parts.values())
    return {name: budget * part / total for name, part in parts.items()}
