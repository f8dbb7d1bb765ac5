"""Identity-decoupled anonymization: a face gets another identity and keeps everything else.

After Cheng, Dai and Sun, arXiv 2604.23584; `docs/identity_decoupling.md` says what is theirs and
what is ours.
"""
