"""Day two: what is done with a deployment once it is described. It reads the configuration, never a construct."""
