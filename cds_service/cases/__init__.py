"""Cases and fixtures: patients to try rules on, through the same door as a hook request."""
