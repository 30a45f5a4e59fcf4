"""Training: patches from cases, one loop, and what it leaves on disk."""
