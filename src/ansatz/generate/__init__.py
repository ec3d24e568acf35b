"""Generative models: draw me more like these."""
