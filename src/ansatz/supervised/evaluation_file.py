"""The figures of a fit as JSON and back."""

import json
from typing import Any

import numpy as np

from ansatz.core import BadInput
from ansatz.results.numbers import Interval
from ansatz.results.sketch import sketch_from
from ansatz.supervised.attribution import Importance, NullBand
from ansatz.supervised.baselines import BaselineResult, Verdict
from ansatz.supervised.conformal import Coverage
from ansatz.supervised.evaluate import Evaluation


def evaluation_to_json(found: Evaluation) -> bytes:
    """Return an evaluation as JSON."""

    def plain(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return value.tolist()
        if hasattr(value, "_asdict"):
            return {name: plain(v) for name, v in value._asdict().items()}
        if isinstance(value, dict):
            return {name: plain(v) for name, v in value.items()}
        if isinstance(value, list | tuple):
            return [plain(v) for v in value]
        return value.item() if isinstance(value, np.generic) else value

    return json.dumps(plain(found)).encode()


def evaluation_from_json(text: bytes) -> Evaluation:
    """Undo `evaluation_to_json`."""

    def array(value: Any) -> Any:
        return None if value is None else np.asarray(value)

    try:
        r = json.loads(text)
        compared = [
            BaselineResult(
                **(b | {"predictions": array(b["predictions"]), "interval": Interval(**b["interval"])})
            )
            for b in r["baselines"]
        ]
        found = r["verdict"]
        verdict = found and Verdict(**(found | {"gain": Interval(**found["gain"])}))
        given = r["importance"]
        importance = given and Importance(
            names=tuple(given["names"]),
            mean=array(given["mean"]),
            spread=array(given["spread"]),
            drops=array(given["drops"]),
            metric=given["metric"],
        )
        band = r["null"] and NullBand(
            **{k: array(v) if isinstance(v, list) else v for k, v in r["null"].items()}
        )
        fields = {name: array(r[name]) for name in ("y", "prediction", "lower", "upper")}
        return Evaluation(
            **(r | fields),  # type: ignore[arg-type]
        )._replace(
            interval=Interval(**r["interval"]),
            coverage=Coverage(**r["coverage"]),
            baselines=compared,
            verdict=verdict,
            importance=importance,
            null=band,
            summary={name: sketch_from(one) for name, one in r["summary"].items()},
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(f"evaluation.json is damaged: {error!r}.") from None
