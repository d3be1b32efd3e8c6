"""All writes to deals, pipelines, stages and lost reasons."""

from deals.services.deals import change_deals, create_deal, create_deals, delete_deals, update_deal
from deals.services.defaults import ensure_defaults
from deals.services.moves import move_deal, move_deals, moves_reverted
from deals.services.pipelines import (
    archive_pipeline,
    create_lost_reason,
    create_pipeline,
    create_stage,
    delete_pipeline,
    delete_stage,
    is_used,
    reopen_pipeline,
    update_lost_reason,
    update_pipeline,
    update_stage,
)

__all__ = [
    "archive_pipeline",
    "change_deals",
    "create_deal",
    "create_deals",
    "create_lost_reason",
    "create_pipeline",
    "create_stage",
    "delete_deals",
    "delete_pipeline",
    "delete_stage",
    "ensure_defaults",
    "is_used",
    "move_deal",
    "move_deals",
    "moves_reverted",
    "reopen_pipeline",
    "update_deal",
    "update_lost_reason",
    "update_pipeline",
    "update_stage",
]
