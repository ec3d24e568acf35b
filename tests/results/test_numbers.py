import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansatz.results.numbers import Interval, duration, number


@given(st.floats(-1e300, 1e300))
def test_a_written_number_reads_as_the_number_to_four_digits(value):
    text = number(value).replace(",", "").replace("−", "-")
    assert math.isclose(float(text), value, rel_tol=6e-3, abs_tol=1e-300)


def test_an_interval_shows_the_digits_that_its_width_supports():
    assert str(Interval(0.912345, 0.897, 0.926)) == "0.912 [0.897, 0.926]"
    assert str(Interval(1234.5, 1200.0, 1300.0)) == "1,234 [1,200, 1,300]"
    assert str(Interval(-0.5, -0.6, -0.4)) == "−0.50 [−0.60, −0.40]"
    assert str(Interval(2.0, 2.0, 2.0)) == "2.000"


@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), (math.inf, "∞"), (0.0, "0"), (-7, "−7"), ("a", "a")]
)
def test_what_is_no_plain_number_has_a_sign_of_its_own(value, text):
    assert number(value) == text


def test_durations_round_up_to_the_next_unit():
    assert duration(59.96) == "1 min 0 s" and duration(math.nan) == "–"
