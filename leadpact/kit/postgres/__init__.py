"""PostgreSQL for leadpact: embedded by default, one's own server by DATABASE_URL.

`database(data)` gives whichever it is; both have start(), stop(), dsn(), connect(), and two roles:
*owner* owns the tables and migrates, *app* reads and writes rows and can change no table.
"""

from __future__ import annotations

from leadpact.kit.postgres.cluster import Cluster, cluster
from leadpact.kit.postgres.own_server import OwnServer, database
from leadpact.kit.postgres.roles import DATABASE, ROLES, Role, grant_app

__all__ = ["DATABASE", "ROLES", "Cluster", "OwnServer", "Role", "cluster", "database", "grant_app"]
