"""Through the web: routes, validation, pages."""
