"""A plugin for the real Pulumi engine that stands in for the AWS one: it answers the provider protocol with boto3 calls.

`kinds.py` says what a resource type is; `shapes.py` turns its properties into requests and answers into properties; `resource.py` makes
the calls of a resource's life; `servicer.py` speaks to the engine.
"""
