"""Delineate: medical image segmentation, from a folder of scans to a measured result."""

__version__ = "0.1.0"
