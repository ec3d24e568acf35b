"""How good drawn examples are, without a network of someone else's: each figure with its floor and interval.

`distances` compares two samples by their features, `manifolds` asks how much of one lies among the other,
`two_sample` whether a classifier tells them apart, `memorisation` whether a model has only kept its
data, and `card` what travels with each figure.
"""
