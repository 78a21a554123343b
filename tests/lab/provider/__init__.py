"""Providers over real sockets, with clients that are not ours."""
