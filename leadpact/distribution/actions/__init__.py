"""The verbs of distribution: choose who gets a lead, offer it, and take Sales' answers."""

from leadpact.distribution.actions.choosing import choose_salespeople
from leadpact.distribution.actions.offers import end_offers, open_offers

__all__ = ["choose_salespeople", "end_offers", "open_offers"]
