"""The protocol's bodies: what a CDS Hooks client sends and what it gets."""
