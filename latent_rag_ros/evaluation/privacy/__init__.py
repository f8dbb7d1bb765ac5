"""The privacy evaluation: every method beside every attacker, in one table."""
