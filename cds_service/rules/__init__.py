"""Rules over facts: findings, and what could still flip them."""
