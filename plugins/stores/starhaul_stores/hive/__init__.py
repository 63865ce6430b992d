"""Hive: queries and statements by HiveServer2, rows by the files of its tables."""
