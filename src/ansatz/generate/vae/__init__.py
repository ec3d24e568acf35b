"""Variational autoencoders: a walk through few numbers that stand for many (notes §4).

`ppca` is the linear case in closed form, `likelihoods` say what a decoder's output means, `bound` holds the
evidence lower bound and its tighter relatives, `model` the map, and `recipe` the training of it.
"""
