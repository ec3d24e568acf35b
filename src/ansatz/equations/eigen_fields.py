"""The fields of levels: normalized, orthogonal where levels coincide, with one sign or phase."""

from collections.abc import Callable, Sequence

import numpy as np

CLOSE = 1e-6
"""Levels nearer than this, relative to max(1, |E|), share a space in which fields are made orthogonal."""

Samples = Callable[[np.ndarray], np.ndarray]


def chosen_fields(
    values: np.ndarray,
    errors: np.ndarray,
    vectors: np.ndarray,
    samples: Samples,
    pairs: Sequence[tuple[int, int]] = (),
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return levels, errors and coefficients of normalized fields.

    Args:
        values: `[m]`, ascending.
        errors: `[m]`.
        vectors: coefficients `[P, m]`.
        samples: from coefficients to the values `[K, N, m]` of all fields times the roots of weights.
        pairs: fields that are real and imaginary parts: each level occurs with ψ and iψ, and is kept once.
    """
    kept_values, kept_errors, kept = [], [], []
    for start, stop in _clusters(values):
        own = vectors[:, start:stop]
        grid = samples(own)
        turns = _complex_basis(grid, pairs) if pairs else _real_basis(grid)
        each = 2 if pairs else 1
        for k, turn in enumerate(turns.T):
            place = start + min(each * k, stop - start - 1)
            kept_values.append(values[place : place + each].mean())
            kept_errors.append(errors[place : place + each].max())
            kept.append(own @ turn)
    return np.array(kept_values), np.array(kept_errors), np.array(kept).T


def _clusters(values: np.ndarray) -> list[tuple[int, int]]:
    apart = np.diff(values) > CLOSE * np.maximum(1.0, np.abs(values[1:]))
    ends = [int(place) + 1 for place in np.flatnonzero(apart)]
    return list(zip([0, *ends], [*ends, len(values)], strict=True))


def _real_basis(grid: np.ndarray) -> np.ndarray:
    """Return combinations `[m, m]` of columns, orthonormal and positive where they are largest."""
    flat = grid.reshape(-1, grid.shape[-1])
    turns = np.linalg.inv(np.linalg.qr(flat)[1])
    return turns * np.sign(_peak(flat @ turns))


def _complex_basis(grid: np.ndarray, pairs: Sequence[tuple[int, int]]) -> np.ndarray:
    """Return combinations `[m, m/2]`, orthonormal as complex fields and real where they are largest."""
    real, imaginary = [re for re, _ in pairs], [im for _, im in pairs]
    fields = (grid[real] + 1j * grid[imaginary]).reshape(-1, grid.shape[-1])
    flat = np.concatenate([fields.real, fields.imag])
    half = len(fields)
    found: list[np.ndarray] = []
    rest = np.eye(flat.shape[1])
    for _ in range(max(flat.shape[1] // 2, 1)):
        sizes = np.linalg.norm(flat @ rest, axis=0)
        turn = rest[:, sizes.argmax()] / sizes.max()
        column = flat @ turn
        times_i = np.concatenate([-column[half:], column[:half]])
        other = np.linalg.lstsq(flat, times_i, rcond=None)[0]
        phase = np.angle(_peak((column[:half] + 1j * column[half:])[:, None]))[0]
        found.append(np.cos(phase) * turn - np.sin(phase) * other)
        for known in (turn, other):
            rest = rest - np.outer(known, (flat @ known) @ flat @ rest)
    return np.array(found).T


def _peak(columns: np.ndarray) -> np.ndarray:
    """Return the entry of every column that is largest in size, the last of equals."""
    sizes = np.abs(columns)
    largest = sizes >= (1 - 1e-6) * sizes.max(axis=0)
    places = len(columns) - 1 - largest[::-1].argmax(axis=0)
    return columns[places, np.arange(columns.shape[1])]
