"""stacks: blocks that add up, all of them, with a capstone where the line ends in one.

Owns: stacks and their blocks.
Promises: a stack is never empty, names no spec twice, and its capstone is not one of its blocks.
May call: specs, organizations, kit.
Never: changes a spec, counts a learner's awards.
"""
