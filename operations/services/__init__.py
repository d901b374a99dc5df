"""What people need to know about the services of an environment: addresses and ports, the router, the catalogue."""
