"""Who was told what, and why: written down before an answer leaves, and proof that it is whole."""
