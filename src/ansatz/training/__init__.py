"""How θ moves: the step, the updates, and `fit`, which repeats them."""
