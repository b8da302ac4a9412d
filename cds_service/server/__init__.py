"""The server beneath the application: waitress reads the connections, gunicorn keeps the processes."""
