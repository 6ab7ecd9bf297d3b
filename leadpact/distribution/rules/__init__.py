"""Pure rules of distribution: who gets a lead, and what an answer must satisfy."""
