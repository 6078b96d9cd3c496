"""OpenSearch and Elasticsearch: an index, exported in slices."""
