"""Ansatz: machine learning for mathematics and physics, with an honest error on every answer.

Names are imported when they are first used, so that `import ansatz` and `ansatz --help` start
no JAX.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ansatz.core import (
        BadInput,
        Clock,
        Fixed,
        Map,
        Parts,
        Recipe,
        Source,
        Stage,
        Status,
        Update,
    )
    from ansatz.supervised.estimators import MapClassifier, MapRegressor
    from ansatz.supervised.images import fit_images
    from ansatz.supervised.report import report
    from ansatz.supervised.table import fit_table
    from ansatz.training.fit import fit
    from ansatz.training.run import Run, load

__version__ = "0.1.0"

_HOME = {
    "BadInput": "ansatz.core",
    "Clock": "ansatz.core",
    "Fixed": "ansatz.core",
    "Map": "ansatz.core",
    "MapClassifier": "ansatz.supervised.estimators",
    "MapRegressor": "ansatz.supervised.estimators",
    "Parts": "ansatz.core",
    "Recipe": "ansatz.core",
    "Run": "ansatz.training.run",
    "Source": "ansatz.core",
    "Stage": "ansatz.core",
    "Status": "ansatz.core",
    "Update": "ansatz.core",
    "fit": "ansatz.training.fit",
    "fit_images": "ansatz.supervised.images",
    "fit_table": "ansatz.supervised.table",
    "load": "ansatz.training.run",
    "report": "ansatz.supervised.report",
}

__all__ = [
    "BadInput",
    "Clock",
    "Fixed",
    "Map",
    "MapClassifier",
    "MapRegressor",
    "Parts",
    "Recipe",
    "Run",
    "Source",
    "Stage",
    "Status",
    "Update",
    "fit",
    "fit_images",
    "fit_table",
    "load",
    "report",
]


def __getattr__(name: str) -> Any:
    """Import a public name from the module that defines it, and keep it."""
    if name not in _HOME:
        raise AttributeError(f"module 'ansatz' has no attribute {name!r}; public names: {', '.join(__all__)}")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, imported or not."""
    return sorted({*globals(), *__all__})
