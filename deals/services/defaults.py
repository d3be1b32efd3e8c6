"""What a new installation starts with."""

from __future__ import annotations

from typing import Any

STAGES = (
    ("Qualified", 20, "open", "blue", 14),
    ("Discovery", 35, "open", "teal", 14),
    ("Proposal", 55, "open", "violet", 14),
    ("Negotiation", 75, "open", "amber", 14),
    ("Won", 100, "won", "green", None),
    ("Lost", 0, "lost", "red", None),
)
REASONS = ("Price", "Competitor", "No budget", "No decision", "Bad timing", "Other")


def ensure_defaults(pipelines: Any = None, stages: Any = None, reasons: Any = None) -> None:
    """The pipeline "Sales" when there is none at all, and the lost reasons when there are none. Migrations hand in their own models."""
    from deals.models import LostReason, Pipeline, Stage

    pipelines, stages, reasons = pipelines or Pipeline, stages or Stage, reasons or LostReason
    if not pipelines.objects.exists():
        sales = pipelines.objects.create(name="Sales", position=0)
        stages.objects.bulk_create(
            [
                stages(pipeline=sales, name=name, position=position, probability=probability, kind=kind, color=color, stalled_after_days=days)
                for position, (name, probability, kind, color, days) in enumerate(STAGES)
            ]
        )
    if not reasons.objects.exists():
        reasons.objects.bulk_create([reasons(name=name, position=position) for position, name in enumerate(REASONS)])
