"""`python -m leadpact` is the command `leadpact`."""

from leadpact.site.cli import main

main()
