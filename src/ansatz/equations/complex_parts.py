"""Complex fields as pairs of real ones: ψ = ψ_re + iψ_im."""

from typing import Any

import sympy
from sympy.core.function import AppliedUndef

Pairs = dict[Any, tuple[Any, Any]]


def pair_of(function: Any) -> tuple[Any, Any]:
    """Return the real fields `psi_re` and `psi_im` of a complex field `psi`."""
    name = function.func.__name__
    re, im = (sympy.Function(f"{name}_{part}", real=True)(*function.args) for part in ("re", "im"))
    return re, im


def parts_of(expr: Any, pairs: Pairs) -> tuple[Any, Any]:
    """Return the real and the imaginary part of an expression, written with the real fields."""
    if not expr.has(sympy.I) and not any(expr.has(one) for one in pairs):
        return expr, sympy.S.Zero
    table: dict[Any, Any] = {}
    back: dict[Any, Any] = {}
    for atom in _outermost(expr):
        re, im = _atom_parts(atom, pairs)
        real = sympy.Dummy(real=True)
        back[real] = re
        table[atom] = real
        if im != 0:
            imaginary = sympy.Dummy(real=True)
            back[imaginary] = im
            table[atom] = real + sympy.I * imaginary
    moved = expr.xreplace(table).doit()
    re, im = moved.as_real_imag() if table or moved.has(sympy.I) else (moved, sympy.S.Zero)
    return re.xreplace(back), im.xreplace(back)


def _outermost(expr: Any) -> list[Any]:
    """Return the fields, derivatives and integrals that stand inside no other."""
    if isinstance(expr, AppliedUndef | sympy.Derivative | sympy.Integral):
        return [expr]
    return [atom for part in expr.args for atom in _outermost(part)]


def _atom_parts(atom: Any, pairs: Pairs) -> tuple[Any, Any]:
    if atom in pairs:
        return pairs[atom]
    if isinstance(atom, sympy.Derivative):
        re, im = _atom_parts(atom.expr, pairs)
        return tuple(sympy.diff(one, *atom.variable_count) if one != 0 else one for one in (re, im))  # type: ignore
    if isinstance(atom, sympy.Integral):
        re, im = parts_of(atom.function, pairs)
        return sympy.Integral(re, *atom.limits), sympy.Integral(im, *atom.limits) if im != 0 else sympy.S.Zero
    if atom.func.__name__ == "dn":
        re, im = parts_of(atom.args[0], pairs)
        normal = sympy.Function("dn", real=True)
        return normal(re), normal(im) if im != 0 else sympy.S.Zero
    return atom, sympy.S.Zero
