"""The secrets platform: Infisical with PostgreSQL and Redis on a Docker host, and what sets it up."""
