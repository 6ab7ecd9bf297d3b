"""Tests that cross rooms: the loop from arrival to custody, and what must not be lost."""
