"""Pages of the agreement: read it, draft it, see what differs, propose, sign, talk about its lines, try it on history."""

from leadpact.agreement.pages.common import shown

__all__ = ["shown"]
