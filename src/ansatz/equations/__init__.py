"""Differential equations: stating them, their domains, and the functions that satisfy them."""
