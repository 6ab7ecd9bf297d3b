"""The texts of a draft: every one that was ever saved."""

from __future__ import annotations

from leadpact.agreement.models import Revision


def revisions(number: int) -> list[Revision]:
    """Every text of a version, newest first."""
    return list(Revision.objects.filter(version__number=number).select_related("by").order_by("-number"))


def revision(number: int, revision_number: int) -> Revision | None:
    """One text; None where there is none of that number."""
    return (
        Revision.objects.filter(version__number=number, number=revision_number).select_related("by", "version").first()
    )


def head(number: int) -> Revision | None:
    """The draft's present text."""
    return Revision.objects.filter(version__number=number, aside=False).select_related("by").order_by("-number").first()


def aside(number: int) -> list[Revision]:
    """Texts that were kept beside a draft and are in no later text yet, newest first."""
    settled = Revision.objects.filter(version__number=number, settles__isnull=False).values("settles")
    return list(
        Revision.objects.filter(version__number=number, aside=True)
        .exclude(number__in=settled)
        .select_related("by")
        .order_by("-number")
    )
