"""Import of CSV files into any record type (docs/decisions/imports.md)."""
