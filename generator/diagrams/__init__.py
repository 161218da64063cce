"""What a product looks like: graphs planned from the spec, for documents and reports alike."""
