"""Transforms: numbers in, numbers out; those that draw are apart from those that do."""
