"""The server beneath the application: how connections are taken, read, and let go."""
