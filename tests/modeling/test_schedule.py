"""Learning rate, batch and horizon as functions of the share that is done."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from modeling.config import Batch, Horizon, Schedule
from modeling.schedule import done, rate, rows

WSD = Schedule(kind="wsd", warmup=0.1, decay=0.2, floor=0.1)
LINEAR = Schedule(kind="linear", warmup=0.1, floor=0.1)


@pytest.mark.parametrize(
    ("schedule", "share", "wanted"),
    [
        (WSD, 0.0, 0.0),
        (WSD, 0.05, 0.5),
        (WSD, 0.1, 1.0),
        (WSD, 0.79, 1.0),
        (WSD, 0.85, 1 - 0.9 * 0.5),
        (WSD, 1.0, 0.1),
        (LINEAR, 0.05, 0.5),
        (LINEAR, 0.1, 1.0),
        (LINEAR, 0.55, 0.55),
        (LINEAR, 1.0, 0.1),
    ],
)
def test_the_learning_rate_by_hand(schedule: Schedule, share: float, wanted: float) -> None:
    assert rate(schedule, share) == pytest.approx(wanted)


@given(
    st.floats(0, 1),
    st.sampled_from([WSD, LINEAR, Schedule(), Schedule(kind="linear", warmup=0), Schedule(warmup=0, decay=0), Schedule(warmup=1, decay=0)]),
)
def test_the_learning_rate_stays_in_bounds_and_has_no_jump(share: float, schedule: Schedule) -> None:
    assert 0 <= rate(schedule, share) <= 1
    near = min(1.0, share + 1e-9)
    assert abs(rate(schedule, near) - rate(schedule, share)) < 1e-3


def test_the_horizon_counts_what_it_is_given_in() -> None:
    assert done(Horizon(steps=10), 5, 999, 999) == 0.5
    assert done(Horizon(tokens=1000), 5, 250, 999) == 0.25
    assert done(Horizon(hours=0.5), 5, 250, 180) == 0.1
    assert done(Horizon(steps=10), 11, 0, 0) == 1


def test_the_batch_doubles_over_the_ramp() -> None:
    batch = Batch(rows=64, start=8, ramp=0.3)
    assert batch.sizes(512) == [8, 16, 32, 64]
    assert [rows(batch, 512, share) for share in (0, 0.09, 0.1, 0.19, 0.2, 0.29, 0.3, 1)] == [8, 8, 16, 16, 32, 32, 64, 64]
    assert Batch(tokens=4096, start=1024).sizes(512) == [2, 4, 8]
    assert rows(Batch(rows=6), 512, 0) == 6
    assert rows(Batch(rows=6, start=3, ramp=0), 512, 0) == 6


@pytest.mark.parametrize(
    ("model", "settings", "message"),
    [
        (Batch, {}, "give either rows or tokens"),
        (Batch, {"rows": 1, "tokens": 512}, "give either rows or tokens"),
        (Batch, {"rows": 12, "start": 4}, "start 4 must be the full batch, 12, halved some times"),
        (Horizon, {}, "give one of steps, tokens and hours"),
        (Horizon, {"steps": 1, "hours": 1}, "give one of steps, tokens and hours"),
        (Schedule, {"warmup": 0.5, "decay": 0.6}, "more than the whole horizon"),
    ],
)
def test_settings_that_make_no_sense_are_errors(model: type, settings: dict[str, float], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        model(**settings)
