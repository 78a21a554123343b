"""The lab: simulated providers and a small honest gateway, each in a process of its own.

Nothing here is shared with the code that measures it, so that the lab can be its ground truth.
"""
