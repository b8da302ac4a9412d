"""Findings into few cards: words, orders, which of two, and who stays quiet."""
