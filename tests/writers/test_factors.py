"""Up-sampling factors: each method against its definition."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from curation.errors import DollmaError
from curation.writers.factors import Weighed, check_mixture, factors
from curation.writers.parameters import Mixture

SOURCES = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 10**9), min_size=1)
BUDGETS = st.integers(1, 10**11)
REPEATS = st.floats(0.1, 30)


def weighed(words: dict[str, Any], **domains: str) -> dict[str, Weighed]:
    return {name: Weighed(1.0, domains.get(name, name)) for name in words}


def met(words: dict[str, int], found: dict[str, float], budget: float) -> bool:
    """Is the budget met, but for the rounding of each factor?"""
    return abs(sum(words[name] * found[name] for name in words) - budget) <= 1e-6 * sum(words.values()) + 1e-9 * budget


def level(words: dict[str, int], budget: int, repeats: float) -> dict[str, float]:
    """Water-filling by bisection: the height of the water at which the capped sources hold the budget."""
    low, high = 0.0, float(budget) + max(words.values()) * repeats
    for _ in range(200):
        middle = (low + high) / 2
        if sum(min(middle, size * repeats) for size in words.values()) < budget:
            low = middle
        else:
            high = middle
    return {name: min(high, size * repeats) for name, size in words.items()}


@given(SOURCES, BUDGETS, st.sampled_from(["explicit", "proportional", "temperature"]), st.floats(1, 10))
def test_the_budget_is_met(words: dict[str, int], budget: int, method: Any, temperature: float) -> None:
    sources = {name: Weighed(1 + ord(name) % 5, name) for name in words}
    assert met(words, factors(words, Mixture(method=method, budget=budget, temperature=temperature), sources), budget)


@given(SOURCES, BUDGETS, REPEATS)
def test_unimax_is_water_filling(words: dict[str, int], budget: int, repeats: float) -> None:
    found = factors(words, Mixture(method="unimax", budget=budget, max_repeats=repeats), weighed(words))
    assert all(0 <= factor <= repeats for factor in found.values())
    if sum(words.values()) * repeats > budget:
        assert met(words, found, budget)
    else:
        assert all(factor == pytest.approx(repeats, abs=1e-6) for factor in found.values())
    wanted = level(words, budget, repeats)
    assert all(words[name] * found[name] == pytest.approx(wanted[name], rel=1e-6, abs=1e-6 * words[name]) for name in words)


def test_unimax_by_hand() -> None:
    words = {"large": 1000, "middle": 100, "small": 10}
    found = factors(words, Mixture(method="unimax", budget=600, max_repeats=4), weighed(words))
    assert found == {"large": 0.28, "middle": 2.8, "small": 4.0}


@given(SOURCES, BUDGETS)
def test_temperature_1_is_proportional(words: dict[str, int], budget: int) -> None:
    tempered = factors(words, Mixture(method="temperature", budget=budget), weighed(words))
    assert tempered == pytest.approx(factors(words, Mixture(method="proportional", budget=budget), weighed(words)), rel=1e-9, abs=2e-6)


@given(SOURCES, st.floats(1, 10))
def test_temperature_gives_shares_by_a_root(words: dict[str, int], temperature: float) -> None:
    found = factors(words, Mixture(method="temperature", budget=10**10, temperature=temperature), weighed(words))
    roots = {name: size ** (1 / temperature) for name, size in words.items()}
    for name, size in words.items():
        assert size * found[name] / 10**10 == pytest.approx(roots[name] / sum(roots.values()), rel=1e-5, abs=1e-6 * size / 10**10)


@given(SOURCES, BUDGETS, st.sampled_from(["explicit", "proportional", "temperature", "unimax"]), st.randoms(use_true_random=False))
def test_the_order_of_sources_does_not_matter(words: dict[str, int], budget: int, method: Any, shuffle: random.Random) -> None:
    mixture = Mixture(method=method, budget=budget, temperature=2)
    names = list(words)
    shuffle.shuffle(names)
    assert factors({name: words[name] for name in names}, mixture, weighed(words)) == factors(words, mixture, weighed(words))


@given(SOURCES, st.floats(0.05, 0.95), REPEATS, st.integers(1, 10**9))
def test_shares_are_kept_or_refused(words: dict[str, int], share: float, repeats: float, budget: int) -> None:
    assume(len(words) > 2)
    first, second, *rest = sorted(words)
    sources = weighed(words, **{first: "named", second: "named"})
    mixture = Mixture(method="shares", budget=budget, shares={"named": share}, max_repeats=repeats)
    named, others = words[first] + words[second], sum(words[name] for name in rest)
    possible = share * budget <= named * repeats and (1 - share) * budget <= others * repeats
    try:
        found = factors(words, mixture, sources)
    except DollmaError:
        assert not possible
        return
    assert possible or max(found.values()) == pytest.approx(repeats)
    assert all(factor <= repeats for factor in found.values())
    assert found[first] == found[second]
    assert len({found[name] for name in rest}) == 1
    assert words[first] * found[first] + words[second] * found[second] == pytest.approx(share * budget, rel=1e-6, abs=1e-6 * named)


def test_a_share_that_is_too_large_names_the_budget_that_can_be_had() -> None:
    words, sources = {"blogs": 100, "news": 10_000}, weighed({"blogs": 0, "news": 0}, blogs="web")
    with pytest.raises(DollmaError, match=r"mixture\.shares\.web: 0\.5 of a budget of 10,000 .* lower the budget to 800"):
        factors(words, Mixture(method="shares", budget=10_000, shares={"web": 0.5}), sources)
    assert factors(words, Mixture(method="shares", budget=800, shares={"web": 0.5}), sources) == {"blogs": 4.0, "news": 0.04}
    with pytest.raises(DollmaError, match=r"the rest \(news\)"):
        factors(words | {"news": 1}, Mixture(method="shares", budget=800, shares={"web": 0.5}), sources)


def test_explicit_factors_stand_as_written_or_scaled() -> None:
    words = {"books": 50, "news": 100}
    sources = {"books": Weighed(4, "books"), "news": Weighed(19.4, "news")}
    assert factors(words, Mixture(), sources) == {"books": 4, "news": 19.4}
    assert factors(words, Mixture(budget=1070), sources) == {"books": 2, "news": 9.7}


def test_proportional_without_a_budget_takes_everything_once() -> None:
    assert factors({"a": 5, "b": 50}, Mixture(method="proportional"), weighed({"a": 0, "b": 0})) == {"a": 1.0, "b": 1.0}


def test_a_budget_of_tokens() -> None:
    words = {"a": 100, "b": 100}
    found = factors(words, Mixture(method="unimax", budget=600, tokens_per_word={"a": 2, "b": 3}), weighed(words))
    assert found == {"a": 1.5, "b": 1.0}
    assert factors(words, Mixture(method="proportional", budget=400, tokens_per_word=2), weighed(words)) == {"a": 1.0, "b": 1.0}


def test_a_source_of_which_nothing_is_left_gets_nothing() -> None:
    words = {"a": 0, "b": 100}
    for method in ("explicit", "proportional", "temperature", "unimax"):
        assert factors(words, Mixture(method=method, budget=200), weighed(words)) == {"a": 0.0, "b": 2.0}
    with pytest.raises(DollmaError, match="no words are left to fill a budget of 200"):
        factors({"a": 0, "b": 0}, Mixture(method="unimax", budget=200), weighed(words))


@pytest.mark.parametrize(
    ("mixture", "message"),
    [
        ({"method": "shares", "budget": 9, "shares": {"bok": 0.5}}, r"no source counts as 'bok': did you mean 'books'\?"),
        ({"method": "shares", "budget": 9, "shares": {"books": 0.5, "news": 0.3}}, "add up to 0.8, not to 1"),
        ({"method": "shares", "budget": 9, "shares": {"books": 1}}, "leaves nothing for news"),
        ({"tokens_per_word": {"book": 2.0}}, r"no source 'book': did you mean 'books'\?"),
        ({"tokens_per_word": {"books": 2.0}}, "no number for news"),
    ],
)
def test_names_that_are_not_there(mixture: dict[str, Any], message: str) -> None:
    with pytest.raises(DollmaError, match=message):
        check_mixture(Mixture(**mixture), weighed({"books": 0, "news": 0}))


@pytest.mark.parametrize(
    ("mixture", "message"),
    [
        ({"method": "unimax"}, "method unimax needs a budget"),
        ({"method": "shares", "budget": "2M"}, "needs the shares"),
        ({"shares": {"a": 0.7, "b": 0.7}}, "add up to 1.4, more than 1"),
        ({"validation": 0.5, "test": 0.5}, "leave nothing to train on"),
        ({"budget": "2.1 billion"}, "write 2.1B, 650M, 20k or a number"),
        ({"tokens_per_word": 0}, "greater than 0"),
    ],
)
def test_a_mixture_that_makes_no_sense(mixture: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Mixture(**mixture)
