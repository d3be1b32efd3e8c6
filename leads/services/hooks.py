"""What higher apps do in the same transaction (crm.wiring.HOOKS)."""

from __future__ import annotations

from typing import Any

from crm.core.context import hooks


def run_hooks(name: str, **arguments: Any) -> None:
    """Call every function that the wiring names for this hook, in its order."""
    for hook in hooks(name):
        hook(**arguments)
