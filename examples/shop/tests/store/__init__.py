"""Below the web: schema, catalogue, orders."""
