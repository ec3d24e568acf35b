"""Generative adversarial networks: one network learns to make what another cannot tell from data (notes §4).

`losses` says what each wants, `penalties` what keeps them from circling, and `game` how they take turns.
`spectrum` tells where a game converges, which `dirac` checks in closed form.
"""
