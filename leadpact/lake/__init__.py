"""Files in and out, and history in DuckDB. Pure: no Django, no server."""
