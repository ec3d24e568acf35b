"""Diagrams of knots and links, their moves, and certificates of what the moves prove."""
