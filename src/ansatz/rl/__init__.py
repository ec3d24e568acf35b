"""Which sequence of moves gets me there? Environments, and the algorithms that learn to act in them."""
