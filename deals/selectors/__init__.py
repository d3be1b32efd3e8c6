"""Reads about deals, their pipelines and the board."""

from deals.selectors.board import Board, Lane, board, lane_after, lanes_of
from deals.selectors.catalog import Catalog, catalog, default_pipeline
from deals.selectors.related import Money, deals_of, first_open_stage, history, money_of, previous_open_stage, stalled_q

__all__ = [
    "Board",
    "Catalog",
    "Lane",
    "Money",
    "board",
    "catalog",
    "deals_of",
    "default_pipeline",
    "first_open_stage",
    "history",
    "lane_after",
    "lanes_of",
    "money_of",
    "previous_open_stage",
    "stalled_q",
]
