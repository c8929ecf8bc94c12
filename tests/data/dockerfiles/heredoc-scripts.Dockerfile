# syntax=docker/dockerfile:1.4
# check=skip=JSONArgsRecommended
FROM python:3.12-alpine
ARG WHO=world
RUN <<EOF
#!/usr/bin/env python3
print("hello")
EOF
RUN python3 <<PYTHON && cat <<'TXT' > /txt
import os
print(os.environ.get("X"))
PYTHON
no $expansion here
TXT
COPY <<-"ONE" <<TWO /etc/app/
	tabs go
	ONE
hello $WHO, \$HOME stays
TWO
COPY --chmod=0755 <<EOF /entry.sh
#!/bin/sh
exec "$@"
EOF
ONBUILD RUN <<EOF
echo triggered
EOF
CMD python3
