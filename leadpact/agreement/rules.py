"""In what state a version may be changed, proposed, signed. Pure."""

from __future__ import annotations

DEPARTMENTS = ("marketing", "sales")


class Refused(Exception):
    """The step is not possible now; the message says why and what to do."""


def check_editable(status: str) -> None:
    """Only a draft can be edited."""
    if status != "draft":
        raise Refused("This version is no longer a draft. Make a new draft from it and change that.")


def check_proposable(status: str, errors: int) -> None:
    """A draft without errors can be proposed."""
    if status != "draft":
        raise Refused("Only a draft can be proposed; this version was proposed already.")
    if errors:
        raise Refused(f"The draft has {errors} error{'s' if errors > 1 else ''}. Mend them, then propose it.")


def check_signable(status: str, department: str, signed: tuple[str, ...]) -> None:
    """A proposal is signed once by each department."""
    if department not in DEPARTMENTS:
        raise Refused("Only somebody of Marketing or of Sales can sign. Ask a manager to set your department.")
    if status == "draft":
        raise Refused("Propose this draft first; then both departments can sign it.")
    if department in signed:
        raise Refused(f"{department.capitalize()} has signed this version already.")


def is_complete(signed: tuple[str, ...]) -> bool:
    """Both departments have signed."""
    return set(DEPARTMENTS) <= set(signed)
