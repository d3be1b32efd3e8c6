"""Pages of deals besides list, page, create, edit and delete."""

from deals.views.board import BoardView
from deals.views.moves import LostView, MoveView
from deals.views.setup import PipelineArchiveView, StageRemovalView

__all__ = ["BoardView", "LostView", "MoveView", "PipelineArchiveView", "StageRemovalView"]
