"""`make run`: PostgreSQL and Redis from the package index, and a supervisor for them, the web server, the worker and beat."""
