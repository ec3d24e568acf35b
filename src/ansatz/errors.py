"""What is raised about an input; importing it starts no JAX."""


class BadInput(ValueError):
    """One sentence about an input: what was found, where, and what would be right."""
