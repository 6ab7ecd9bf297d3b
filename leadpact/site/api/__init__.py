"""The REST API under /api/v1/: leads, Sales' answers, the agreement, both errors.

Every answer is JSON; every error is problem+json (RFC 9457) with a `detail` that says what to do. Instants are ISO 8601 in
UTC with a Z, scores whole thousandths of a point, money whole minor units. The schema is at /api/v1/openapi.json.
"""
