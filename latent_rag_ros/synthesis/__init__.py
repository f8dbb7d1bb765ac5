"""Synthetic people: rendered pictures of people who do not exist, with exact labels.

Everything a network of this package learns from comes from here. Needs the extra `synthesis`;
the running filter never imports this room.
"""
