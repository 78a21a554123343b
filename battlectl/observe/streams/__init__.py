"""Continuity of subscriptions: what a stream showed, against a truth that was read on a second path."""
