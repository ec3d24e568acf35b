"""NumPy's functions by their names, for expressions: `np.sin(u)` is the sine of u."""

from collections.abc import Callable
from typing import Any

import sympy

SAME = "sin cos tan sinh cosh tanh exp log sqrt cbrt sign floor conjugate square reciprocal"
RENAMED = {
    "arcsin": sympy.asin, "arccos": sympy.acos, "arctan": sympy.atan, "arctan2": sympy.atan2,
    "arcsinh": sympy.asinh, "arccosh": sympy.acosh, "arctanh": sympy.atanh, "ceil": sympy.ceiling,
    "absolute": sympy.Abs, "fabs": sympy.Abs, "maximum": sympy.Max, "fmax": sympy.Max,
    "minimum": sympy.Min, "fmin": sympy.Min, "heaviside": sympy.Heaviside,
}  # fmt: skip
UFUNCS: dict[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
    "power": lambda a, b: a**b,
    "float_power": lambda a, b: a**b,
    "negative": lambda a: -a,
    "positive": lambda a: a,
    "square": lambda a: a**2,
    "reciprocal": lambda a: 1 / a,
    "expm1": lambda a: sympy.exp(a) - 1,
    "log1p": lambda a: sympy.log(1 + a),
    "exp2": lambda a: 2**a,
    "log2": lambda a: sympy.log(a) / sympy.log(2),
    "log10": lambda a: sympy.log(a) / sympy.log(10),
    "hypot": lambda a, b: sympy.sqrt(a**2 + b**2),
    "less": lambda a, b: a < b,
    "less_equal": lambda a, b: a <= b,
    "greater": lambda a, b: a > b,
    "greater_equal": lambda a, b: a >= b,
    **{name: getattr(sympy, name) for name in SAME.split() if hasattr(sympy, name)},
    **RENAMED,
}
"""What a NumPy function does to SymPy expressions, by its name."""
