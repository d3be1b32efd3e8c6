"""The database engine (see base.py)."""
