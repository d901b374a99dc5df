"""Locking images: checksums of cloud images and container templates, digests of container images."""
