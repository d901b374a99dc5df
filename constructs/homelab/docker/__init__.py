"""Constructs on the Docker provider: an engine reached over SSH, and what runs on it."""
