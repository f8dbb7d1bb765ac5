"""Identity features that cannot be turned back into a picture (Xiao et al., TPAMI 2025)."""
