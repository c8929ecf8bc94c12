FROM bb:1
HEALTHCHECK --interval=5s --timeout=1m30s --start-period=1h --retries=7 CMD ["true", "x"]
