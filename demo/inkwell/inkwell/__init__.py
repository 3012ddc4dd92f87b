"""Turns a folder of notes into a small web site."""
