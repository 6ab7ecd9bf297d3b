"""Who may see and do what, by role and department. Pure: the asker is an argument.

Department says for which side somebody speaks; role says how far. Operations keeps the product running, speaks for no side,
and answers on Sales' behalf where a CRM's word comes in.
"""

from __future__ import annotations

from typing import Any, Protocol

MARKETING, SALES, OPERATIONS = "marketing", "sales", "operations"
MARKETER, SALESPERSON, MANAGER = "marketer", "salesperson", "manager"


class Asker(Protocol):
    """What of a user decides. `team.models.User` is one: its fields are descriptors, which type checkers cannot match with
    plain attributes of a protocol; hence Any.
    """

    @property
    def role(self) -> Any: ...
    @property
    def department(self) -> Any: ...
    @property
    def takes_leads(self) -> Any: ...
    @property
    def is_active(self) -> Any: ...


def speaks_for(asker: Asker) -> str:
    """The side whose moves in the ledger the asker may make: marketing, sales or operations."""
    if asker.role == OPERATIONS:
        return OPERATIONS
    if asker.department in {MARKETING, SALES}:
        return str(asker.department)
    return SALES if asker.role == SALESPERSON or asker.takes_leads else MARKETING


def sees_scores(asker: Asker) -> bool:
    """False for whoever can be routed to: they see evidence (lines met, touches), never points, thresholds, verdict or cause.

    For any lead, whoever holds it: a salesperson who saw a colleague's scores could tell an audit from a hand-over.
    """
    return not (asker.takes_leads or asker.role == SALESPERSON)


def leads_sales(asker: Asker) -> bool:
    """A manager of Sales: answers and reassigns for everybody in Sales."""
    return asker.is_active and asker.role == MANAGER and asker.department == SALES


def leads_marketing(asker: Asker) -> bool:
    """A manager of Marketing."""
    return asker.is_active and asker.role == MANAGER and asker.department == MARKETING


def may_manage_team(asker: Asker) -> bool:
    """Invite, change hours, caps and weights, deactivate: managers and operations."""
    return asker.is_active and asker.role in {MANAGER, OPERATIONS}


def may_see_lead(asker: Asker) -> bool:
    """Everybody who works here sees every lead (how blind, `sees_scores` says)."""
    return asker.is_active


def manages(asker: Asker, role: str) -> bool:
    """Operations may change everybody; managers everybody but operations, or one could make oneself operations."""
    return asker.is_active and (asker.role == OPERATIONS or (asker.role == MANAGER and role != OPERATIONS))


def handles_keys(asker: Asker) -> bool:
    """Keys of the API reach everything: operations only."""
    return asker.is_active and asker.role == OPERATIONS
