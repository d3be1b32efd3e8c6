"""Saved views of lists: named queries, shared or not, and how each user wants their lists to look."""
