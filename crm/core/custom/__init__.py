"""Fields that an organisation adds to its records: definitions are rows, values stand in one JSON column (docs/decisions/custom-fields.md)."""
