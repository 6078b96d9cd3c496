"""What ships data in: a folder or file a kit."""
