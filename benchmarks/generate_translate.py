"""T8: derivatives of polynomials as a translation, on polynomials that were seen in no spelling.

The function measures one bar and returns its figures; the area's file numbers them.
"""

import time
from typing import Any

from ansatz.core import count_parameters
from ansatz.generate.derivatives import HIGHEST, derivatives, is_derivative
from ansatz.generate.translate import Translator, fit_translator
from ansatz.generate.translate_tasks import TASKS
from benchmarks.run import entry

Row = list[dict[str, Any]]
PAIRS, STEPS, TESTED = 200_000, 3300, 400
RECIPE = Translator(layers=2, size=128, heads=4, batch=128, learning_rate=2e-3)
PEER = "derivax: 100, 70 and 34 % at degrees 1, 2, 3 with 15.8 million parameters"


def polynomials() -> Row:
    """T8: exact answers by degree, greedy and the likeliest of four beams that SymPy accepts."""
    begun = time.perf_counter()
    pairs = derivatives(PAIRS, seed=0)
    texts = [p.source for p in pairs], [p.target for p in pairs]
    tokenizer = TASKS["polynomial"].tokenizer(10, [*texts[0], *texts[1]])
    fitted = fit_translator(*texts, RECIPE, tokenizer=tokenizer, steps=STEPS)
    seconds = time.perf_counter() - begun
    shares, verified = [], []
    for degree in range(1, HIGHEST + 1):
        test = derivatives(TESTED, "test", degree=degree, seed=1)
        kept = [one for one in test if len(one.source) <= fitted.source_length]
        answers = fitted.translate([one.source for one in kept], 4, verify=is_derivative)
        likeliest = [max(found, key=lambda one: one.log_probability) for found in answers]
        exact = [one.text == wanted.target for one, wanted in zip(likeliest, kept, strict=True)]
        shares.append(100 * sum(exact) / len(kept))
        verified.append(100 * sum(bool(found[0].verified) for found in answers) / len(kept))
    size = count_parameters(fitted.run.model)
    told = ", ".join(f"{share:.2f}" for share in shares)
    also = ", ".join(f"{share:.2f}" for share in verified)
    note = (
        f"degrees 1 to {HIGHEST}: {told} %; the first of four beams that SymPy accepts {also} %; {size:,} "
        f"parameters, {STEPS} steps of {RECIPE.batch} of {PAIRS:,} spellings, {TESTED} unseen polynomials "
        f"a degree"
    )
    common: dict[str, Any] = {"peer": PEER, "seconds": seconds}
    return [
        entry("", "derivatives of polynomials: least share of exact answers over degrees 1 to 5", min(shares),
              unit="%", must=97, aim=99.9, better="higher", note=note, **common),
        entry("", "derivatives of polynomials: training with data and compilation", seconds, unit="s",
              must=600, aim=180, better="lower", **common),
        entry("", "derivatives of polynomials: parameters", size, unit="", must=2e6, aim=2e6, better="lower",
              **common),
    ]  # fmt: skip
