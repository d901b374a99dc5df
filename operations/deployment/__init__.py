"""Deploys and destroys stacks: `run` is a whole command, `deployment` the way from plans to what is applied."""
