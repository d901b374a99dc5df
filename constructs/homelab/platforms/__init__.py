"""Platforms: what consists of several guests, containers and steps, and is deployed by one name."""
