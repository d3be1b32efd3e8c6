"""Pages of accounts and of the settings about people."""
