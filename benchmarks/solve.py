"""The bars of `ansatz solve`, in their order."""

from benchmarks.solve_inverse import inverse
from benchmarks.solve_peers import deepxde, jinns
from benchmarks.solve_rows import burgers, flows, l_shape, levels, linear_fields, oscillators, viscous, waves
from benchmarks.solve_trust import estimates, plain

ROWS = [
    oscillators,
    linear_fields,
    l_shape,
    flows,
    burgers,
    waves,
    viscous,
    levels,
    inverse,
    plain,
    estimates,
    deepxde,
    jinns,
]
