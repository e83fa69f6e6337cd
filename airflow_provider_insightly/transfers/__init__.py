"""Operators that bring records from other systems to Insightly."""
