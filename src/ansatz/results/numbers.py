"""How numbers are written, in the terminal and in a report: as many digits as they deserve."""

import math
from typing import Any, NamedTuple

import numpy as np


class Interval(NamedTuple):
    """An estimate and the interval that holds the truth with probability `level`."""

    value: float
    lower: float
    upper: float
    level: float = 0.95

    def __str__(self) -> str:
        """Write the estimate with the digits that the width of its interval supports."""
        width = self.upper - self.lower
        if not (math.isfinite(width) and math.isfinite(self.value)) or width <= 1e-6 * abs(self.value):
            return number(self.value)
        places = min(max(1 - math.floor(math.log10(width)), 0), 12)
        form = ".3e" if abs(self.value) >= 1e6 or places > 7 else f",.{places}f"
        value, lower, upper = (_minus(format(end, form)) for end in self[:3])
        return f"{value} [{lower}, {upper}]"


def number(value: Any, digits: int = 4) -> str:
    """Write a number with `digits` significant digits, and whatever is no number as it is.

    >>> [number(v) for v in (0.0912345, 12345.678, 53940, 1.5e-9, float("nan"), "yes", True)]
    ['0.09123', '12,346', '53,940', '1.50e-09', '–', 'yes', 'yes']
    """
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (str, Interval)):
        return str(value)
    if isinstance(value, int):
        return _minus(f"{value:,}")
    try:
        x = float(value)
    except (TypeError, ValueError):
        return str(value)
    if math.isnan(x):
        return "–"
    if math.isinf(x):
        return "∞" if x > 0 else "−∞"
    if x == 0:
        return "0"
    power = math.floor(math.log10(abs(x)))
    if power < -4 or power >= 9:
        return _minus(f"{x:.{max(digits - 2, 1)}e}")
    return _minus(f"{x:,.{max(digits - 1 - power, 0)}f}")


def missing(value: Any) -> bool:
    """Return whether a cell of a table is empty: `None`, NaN, not-a-time or pandas' NA."""
    if value is None:
        return True
    differs: Any = value != value
    return bool(differs) if isinstance(differs, (bool, np.bool_)) else True


def _minus(text: str) -> str:
    return "−" + text[1:] if text.startswith("-") else text


def duration(seconds: float) -> str:
    """Write a time in the unit that a reader would say.

    >>> [duration(s) for s in (0.0123, 1.5, 75.0, 7260.0)]
    ['12 ms', '1.5 s', '1 min 15 s', '2 h 1 min']
    """
    if not math.isfinite(seconds):
        return "–"
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"
