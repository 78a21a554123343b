"""The trio nurseries, and nothing else: the plan says what, the clients say how, this adds time."""
