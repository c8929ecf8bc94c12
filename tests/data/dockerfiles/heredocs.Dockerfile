# syntax=docker/dockerfile:1
FROM debian:bookworm
RUN <<EOT
set -e
apt-get update
# this is a line of the script
apt-get install -y curl

rm -rf /var/lib/apt/lists/*
EOT
RUN <<EOT python3
import sys
print("hello from", sys.version)
EOT
RUN <<'EOT'
#!/usr/bin/env perl
print "$0\n";
EOT
COPY <<-"APP.CONF" <<README /etc/app/
	[server]
	root = $DOCUMENT_ROOT
	APP.CONF
Built for ${TARGETARCH:-any machine}.
README
ONBUILD RUN <<EOT
echo child
EOT
CMD ["/bin/bash"]
