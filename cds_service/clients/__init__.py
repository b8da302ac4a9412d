"""Who may call, and what each of them has chosen: the clients file, their tokens, their keys."""
