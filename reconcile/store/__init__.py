"""What is kept, and how: tables, transactions, leases. Whoever calls hands over ``db`` and commits."""
