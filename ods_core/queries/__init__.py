"""Reads: lists, logs, work lists, timelines, payments and outcomes; nothing here changes anything."""
