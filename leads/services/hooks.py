"""What higher apps do in the same transaction (crm.wiring.HOOKS)."""

from __future__ import annotations

from typing import Any

from crm.core.context import hooks


def run_hooks(name: str, **arguments: Any) -> list[Any]:
    """Call every function that the wiring names for this hook, in its order; what they gave."""
    return [hook(**arguments) for hook in hooks(name)]
