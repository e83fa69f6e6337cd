"""Operators that write to Insightly: by endpoint template, by hand, by a unique field, and once more."""
