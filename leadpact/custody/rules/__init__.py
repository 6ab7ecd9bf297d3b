"""Pure rules of the ledger: the chain of hashes, sealed words, the projection, Merkle roots."""
