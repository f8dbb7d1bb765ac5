"""Every way to protect a person that the evaluation compares, behind one interface."""
