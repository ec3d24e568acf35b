"""Make the fresh hard diagrams and the policy for untying that come with the package: `make policy`.

The policy is trained like those that `make bench-unknot` measures, and for longer; the same seed gives the
same weights on one kind of machine.
"""

import json
import time
from importlib.metadata import version

from ansatz.knots import families
from ansatz.knots.codes import to_pd
from ansatz.rl.unknot_policy import STORED, save
from benchmarks.unknot_learned import LARGEST, RECIPE, cloned, lessons

COUNT, SEED = 150, 11
"""How many diagrams are made, and from which seed."""
STEPS = 4000
"""The steps of training."""


def main() -> None:
    """Make the diagrams and the lessons, train, and replace the files in the package."""
    codes = [to_pd(one) for one in families.stuck(COUNT, LARGEST, SEED)]
    families.STORED.write_text(json.dumps(codes, separators=(",", ":")) + "\n")
    begun = time.process_time()
    count = len(lessons().left)
    taught = time.process_time()
    model = cloned(0, STEPS)
    facts = {
        "seed": 0,
        "fresh_diagrams": COUNT,
        "lessons": count,
        "steps": STEPS,
        "batch": RECIPE.batch,
        "cpu_seconds": [round(taught - begun), round(time.process_time() - taught)],
        "jax": version("jax"),
    }
    save(model, STORED, **facts)
    print(f"{STORED.name}: {STORED.stat().st_size:,} bytes, {facts}")


if __name__ == "__main__":
    main()
