"""The ground floor: values that every room passes on, numpy only."""
