"""What is measured, promised and alarmed: planned from the spec, once, for rules, tests, dashboards and runbooks."""
