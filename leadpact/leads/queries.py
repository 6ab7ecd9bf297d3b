"""Lists of leads with whom they belong to and where they are; rooms above narrow them."""

from __future__ import annotations

from django.db.models import QuerySet

from leadpact.leads.models import Lead


def listed() -> QuerySet[Lead]:
    """Leads with person, account, holding, salesperson and latest judgement at hand, in one statement."""
    return Lead.objects.select_related("person__account", "holding__salesperson", "judgement").filter(
        holding__isnull=False
    )
