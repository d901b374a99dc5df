"""Measurements as ratios: each figure compares two programs in one run on one machine."""
