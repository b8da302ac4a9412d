"""Evidence into typed, sourced facts: what the record says, or why it does not say it."""
