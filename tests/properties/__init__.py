"""Tests over random worlds and edits; ``HYPOTHESIS_PROFILE=thorough`` tries thousands."""
