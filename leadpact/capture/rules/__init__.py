"""Pure rules of capture: how what comes in is read, bounded and folded. No Django, no database, no clock."""
