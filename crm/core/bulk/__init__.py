"""The same done to many records: small selections at once, large ones by the worker, all of it with undo (docs/decisions/bulk.md)."""
