"""Scripts that run inside guests: rendered from Jinja2 templates, run by Terraform once and again when they change.

``script`` says what is run and which secrets it gets, without cdktf; ``guest_script`` makes it part of a stack.
"""
