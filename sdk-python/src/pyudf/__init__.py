"""Notebook functions on Kafka streams, unchanged."""
