"""Compares the synthesized stacks of two revisions by what they mean for guests, disks, networks and rules.

It needs no node, no state and no Terraform: what one revision defines stands for what there is, what the other defines
for what there will be, and the review of plans judges the difference. What was changed by hand since the last apply,
and what the provider computes, can't show here.
"""
