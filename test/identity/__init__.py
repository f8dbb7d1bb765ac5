"""Tests of this room; a package, so that its tests can import what they share."""
