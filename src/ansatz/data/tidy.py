"""From the files of a data set, as their packages hold them, to a table with named columns."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from ansatz.core import BadInput
from ansatz.data.images import Images, make_images
from ansatz.data.read import read_table

ELECTRON = 0.51099895069
"""The mass of the electron in MeV (CODATA 2022)."""
IONISATION = 13.598434e-6
"""The energy that takes the electron off a hydrogen atom, in MeV."""

Tidy = Callable[[Sequence[Path], list[str] | None], pl.DataFrame]


def plain(files: Sequence[Path], remarks: list[str] | None) -> pl.DataFrame:
    """Return the table in the one file."""
    return read_table(files[0], remarks=remarks)


def _labelled(names: Sequence[str], target: str, classes: Sequence[str]) -> Tidy:
    """Return the reader of scikit-learn's tables: a line of sizes, numbers, the number of the class."""

    def read(files: Sequence[Path], remarks: list[str] | None) -> pl.DataFrame:
        frame = pl.read_csv(files[0], has_header=False, skip_rows=1, new_columns=[*names, target])
        places = dict(enumerate(classes))
        return frame.with_columns(pl.col(target).replace_strict(places, return_dtype=pl.String))

    return read


def diabetes(files: Sequence[Path], remarks: list[str] | None) -> pl.DataFrame:
    """Return the diabetes table of Efron, Hastie, Johnstone and Tibshirani 2004 in its own units."""
    names = ["age", "sex", "bmi", "bp", "tc", "ldl", "hdl", "tch", "ltg", "glu"]
    x = np.loadtxt(files[0])
    y = np.loadtxt(files[1])
    if x.ndim != 2 or x.shape[1] != len(names) or y.shape != (len(x),):
        raise BadInput(f"{files[0].name} has shape {x.shape} and {files[1].name} {y.shape}; they do not fit.")
    columns = {name: x[:, i] for i, name in enumerate(names)}
    return pl.DataFrame(columns | {"progression": y})


def digits(files: Sequence[Path], remarks: list[str] | None) -> pl.DataFrame:
    """Return the digits as a table: 64 pixels 0 … 16 in rows, and the digit."""
    names = [f"pixel_{row}_{column}" for row in range(8) for column in range(8)]
    return pl.DataFrame(np.loadtxt(files[0], delimiter=",").astype(np.int64), schema=[*names, "digit"])


def digit_images(files: Sequence[Path]) -> Images:
    """Return the digits as pictures `[1797, 8, 8, 1]`; their 17 shades are spread over 0 … 255."""
    table = np.loadtxt(files[0], delimiter=",")
    x = np.round(table[:, :64].reshape(-1, 8, 8) * (255 / 16)).astype(np.uint8)
    return make_images(x, table[:, 64].astype(np.int64), "digits")


def nuclides(files: Sequence[Path], remarks: list[str] | None) -> pl.DataFrame:
    """Return a row for each nuclide with A ≥ 2: Z, N, A, symbol, mass and binding energy per nucleon.

    The source lists a PDG number 10LZZZAAAI and the mass in MeV: that of the *neutral atom*, but for
    the neutron and the proton, which stand as particles.  With the mass of the hydrogen atom
    m_H = m_p + m_e − 13.6 eV the binding energy per nucleon in MeV is B/A = (Z·m_H + N·m_n − M)/A.
    The antinuclei, listed with the same masses, are left out.  The source does not say which masses
    of far and superheavy nuclides are extrapolated rather than measured.
    """
    frame = pl.read_csv(files[0], comment_prefix="#", columns=["ID", "Mass", "Name"])
    frame = frame.filter(pl.col("ID") > 0).with_columns(
        Z=pl.col("ID") // 10_000 % 1000, A=pl.col("ID") // 10 % 1000, mass=pl.col("Mass")
    )
    single = frame.filter(pl.col("A") == 1).sort("Z")["mass"]
    if len(single) != 2:
        raise BadInput(f"{files[0].name} should list the neutron and the proton once each.")
    neutron, hydrogen = single[0], single[1] + ELECTRON - IONISATION
    lost = pl.col("Z") * hydrogen + pl.col("N") * neutron - pl.col("mass")
    return (
        frame.filter((pl.col("A") > 1) & (pl.col("mass") > 0))
        .with_columns(N=pl.col("A") - pl.col("Z"))
        .with_columns(binding_energy_per_nucleon=lost / pl.col("A"))
        .select("Z", "N", "A", pl.col("Name").alias("symbol"), "mass", "binding_energy_per_nucleon")
        .sort("Z", "N")
    )


CELL = ("radius", "texture", "perimeter", "area", "smoothness", "compactness", "concavity")
CELL_NAMES = [
    f"{which}_{name}"
    for which in ("mean", "error", "worst")
    for name in (*CELL, "concave_points", "symmetry", "fractal_dimension")
]
WINE_NAMES = ["alcohol", "malic_acid", "ash", "alcalinity_of_ash", "magnesium", "total_phenols", "flavanoids"]
WINE_NAMES += ["nonflavanoid_phenols", "proanthocyanins", "color_intensity", "hue", "od280_od315", "proline"]
IRIS_NAMES = ["sepal_length", "sepal_width", "petal_length", "petal_width"]

TABLES: dict[str, Tidy] = {
    "csv": plain,
    "breast_cancer": _labelled(CELL_NAMES, "diagnosis", ("malignant", "benign")),
    "wine": _labelled(WINE_NAMES, "cultivar", ("class_0", "class_1", "class_2")),
    "iris": _labelled(IRIS_NAMES, "species", ("setosa", "versicolor", "virginica")),
    "diabetes": diabetes,
    "digits": digits,
    "nuclides": nuclides,
}
"""How each table is read; those not named here by `csv`."""
