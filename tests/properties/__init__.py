"""Tests over random worlds and edits; ``PROPERTY_EXAMPLES=2000`` tries so many."""
