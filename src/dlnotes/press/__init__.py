"""Turn lecture sources into a site: read, execute, judge, render. Imports nothing numerical."""
