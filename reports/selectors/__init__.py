"""What reports read: aggregates over the rows that the reader may see (`visible_to`)."""
