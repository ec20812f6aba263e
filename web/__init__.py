"""The web application and the `hotline` command."""
