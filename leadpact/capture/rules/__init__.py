"""Pure decisions of the door: what an arrival is, who it speaks of, whether it was a machine."""
