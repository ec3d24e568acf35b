"""Ansatz: machine learning for mathematics and physics, with an honest error on every answer.

Names are imported when they are first used, so that `import ansatz` and `ansatz --help` start
no JAX.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ansatz.core import (
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
    from ansatz.equations.declare import periodic
    from ansatz.equations.expression import (
        coords,
        cos,
        cosh,
        dn,
        eigenvalue,
        exp,
        field,
        integral,
        log,
        parameter,
        pi,
        sin,
        sinh,
        sqrt,
        tan,
        tanh,
    )
    from ansatz.equations.problem import Problem, observe
    from ansatz.equations.solution import Solution
    from ansatz.equations.solve import solve
    from ansatz.equations.sweep import Sweep, sweep
    from ansatz.errors import BadInput
    from ansatz.generate.images.model import ImageGenerator
    from ansatz.generate.images.train import generate_images
    from ansatz.generate.text import generate_text
    from ansatz.generate.text_model import TextModel
    from ansatz.knots.unknot import Verdict, unknot
    from ansatz.rl.play import play
    from ansatz.rl.player import Player, load_player
    from ansatz.supervised.estimators import MapClassifier, MapRegressor
    from ansatz.supervised.images import fit_images
    from ansatz.supervised.report import report
    from ansatz.supervised.table import fit_table
    from ansatz.training.fit import fit
    from ansatz.training.run import Run, load

__version__ = "0.1.0"

_HOME = {
    "BadInput": "ansatz.errors",
    "Clock": "ansatz.core",
    "Fixed": "ansatz.core",
    "ImageGenerator": "ansatz.generate.images.model",
    "Map": "ansatz.core",
    "MapClassifier": "ansatz.supervised.estimators",
    "MapRegressor": "ansatz.supervised.estimators",
    "Parts": "ansatz.core",
    "Player": "ansatz.rl.player",
    "Problem": "ansatz.equations.problem",
    "Recipe": "ansatz.core",
    "Run": "ansatz.training.run",
    "Solution": "ansatz.equations.solution",
    "Source": "ansatz.core",
    "Stage": "ansatz.core",
    "Status": "ansatz.core",
    "Sweep": "ansatz.equations.sweep",
    "TextModel": "ansatz.generate.text_model",
    "Update": "ansatz.core",
    "Verdict": "ansatz.knots.unknot",
    "coords": "ansatz.equations.expression",
    "cos": "ansatz.equations.expression",
    "cosh": "ansatz.equations.expression",
    "dn": "ansatz.equations.expression",
    "eigenvalue": "ansatz.equations.expression",
    "exp": "ansatz.equations.expression",
    "field": "ansatz.equations.expression",
    "fit": "ansatz.training.fit",
    "fit_images": "ansatz.supervised.images",
    "fit_table": "ansatz.supervised.table",
    "generate_images": "ansatz.generate.images.train",
    "generate_text": "ansatz.generate.text",
    "integral": "ansatz.equations.expression",
    "load": "ansatz.training.run",
    "load_player": "ansatz.rl.player",
    "log": "ansatz.equations.expression",
    "observe": "ansatz.equations.problem",
    "parameter": "ansatz.equations.expression",
    "periodic": "ansatz.equations.declare",
    "pi": "ansatz.equations.expression",
    "play": "ansatz.rl.play",
    "report": "ansatz.supervised.report",
    "sin": "ansatz.equations.expression",
    "sinh": "ansatz.equations.expression",
    "solve": "ansatz.equations.solve",
    "sqrt": "ansatz.equations.expression",
    "sweep": "ansatz.equations.sweep",
    "tan": "ansatz.equations.expression",
    "tanh": "ansatz.equations.expression",
    "unknot": "ansatz.knots.unknot",
}

__all__ = [
    "BadInput",
    "Clock",
    "Fixed",
    "ImageGenerator",
    "Map",
    "MapClassifier",
    "MapRegressor",
    "Parts",
    "Player",
    "Problem",
    "Recipe",
    "Run",
    "Solution",
    "Source",
    "Stage",
    "Status",
    "Sweep",
    "TextModel",
    "Update",
    "Verdict",
    "coords",
    "cos",
    "cosh",
    "dn",
    "eigenvalue",
    "exp",
    "field",
    "fit",
    "fit_images",
    "fit_table",
    "generate_images",
    "generate_text",
    "integral",
    "load",
    "load_player",
    "log",
    "observe",
    "parameter",
    "periodic",
    "pi",
    "play",
    "report",
    "sin",
    "sinh",
    "solve",
    "sqrt",
    "sweep",
    "tan",
    "tanh",
    "unknot",
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
