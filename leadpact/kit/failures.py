"""Failures that somebody can mend: one sentence that says what to do, never a stack trace."""

from __future__ import annotations

from click import ClickException


class CannotDo(ClickException):
    """The work could not be done. The text is one sentence for whoever asked; the command line exits with 1."""
