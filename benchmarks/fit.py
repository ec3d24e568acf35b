"""The bars of `ansatz fit`, in their order."""

from benchmarks.engine import overhead
from benchmarks.images import cnn_step, digits, fashion_cnn, fashion_mlp, mlp_step
from benchmarks.robustness import help_cold, kill_minus_nine, malformed
from benchmarks.tables import diamonds, intervals, over_tables, speed

ROWS = [
    overhead,
    mlp_step,
    cnn_step,
    fashion_mlp,
    fashion_cnn,
    digits,
    diamonds,
    over_tables,
    speed,
    intervals,
    help_cold,
    kill_minus_nine,
    malformed,
]
