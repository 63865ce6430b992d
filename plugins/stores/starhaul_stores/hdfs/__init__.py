"""HDFS, by WebHDFS: what the plugins for it share.

`addresses` finds the name nodes that a job means, `login` says who asks, `client` asks the name nodes, `data_node`
moves the bytes, and `errors` tells what went wrong. The place itself is `starhaul_stores.files.places.hdfs`.
"""
