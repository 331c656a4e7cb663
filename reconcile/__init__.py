"""What is true: evidence, the rules that read it, and the ledger they make."""
