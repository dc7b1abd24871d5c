"""Notebooks over the catalog's views, and the figures that they and the report share."""
