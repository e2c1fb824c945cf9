"""The audit in a browser: pages over `pipelines.audit`, for one person at one machine."""
