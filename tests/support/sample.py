"""The image that the differential tests build: many kinds of steps on a small base."""
import io
import os
import tarfile

from tests.support import rootfs

BASE = "busybox:test"

# Everything whose cache key and history text are the same in dockerd 20.10 and in Strata. Left out is what
# docs/differences.md lists: COPY --chown, whose text 20.10 writes without a blank, and hard links in the context.
DOCKERFILE = f"""\
ARG BASE={BASE}
FROM ${{BASE}}
LABEL org.example.kind="test image" org.example.of=strata
ARG VERSION=1.2
ENV MODE=production APP_VERSION=$VERSION
WORKDIR /srv/app
COPY a.txt ./
COPY d tree
COPY *.conf d/x /srv/etc/
ADD more.tar /unpacked/
RUN echo "$VERSION" > made && chmod 4711 made && rm /etc/obsolete && mkdir -m 0700 /srv/deep
RUN rm -r /var/replaced && mkdir /var/replaced && echo new > /var/replaced/file && ln made hard && ln -s made soft
RUN true
USER bob
RUN id -un > /tmp/who
USER root
VOLUME /data
EXPOSE 80 443/udp
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s CMD true
SHELL ["/bin/sh", "-e", "-c"]
ONBUILD RUN echo child
ENTRYPOINT ["/bin/sh"]
CMD ["-c", "cat /srv/app/made"]
"""
STEPS = sum(not line.startswith(" ") for line in DOCKERFILE.splitlines())


def context(case):
    """Writes the build context into the test's folder; gives its path."""
    folder = case.context({"Dockerfile": DOCKERFILE, "a.txt": "first\n", "one.conf": "1\n", "two.conf": "22\n",
                           "d/x": "x\n", "d/e/y": "y\n" * 1000, "d/empty/": None, "more.tar": _archive()})
    os.symlink("e/y", os.path.join(folder, "d/link"))
    os.chmod(os.path.join(folder, "a.txt"), 0o640)
    os.chmod(os.path.join(folder, "d/e"), 0o750)
    return folder


def _archive():
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        rootfs.add_file(tar, "in/file", "from the archive\n", 0o600, uid=1000, gid=50)
        rootfs.add(tar, "in/pipe", tarfile.FIFOTYPE, 0o644)
        rootfs.add(tar, "in/link", tarfile.SYMTYPE, 0o777, "file")
    return buffer.getvalue()


def import_base(case, engine):
    """Makes the base image with `engine`; returns nothing."""
    files = {"etc/obsolete": "old\n", "var/replaced/file": "old\n", "var/replaced/gone": "old\n"}
    engine("import", rootfs.busybox(case.path("base.tar"), files), BASE)


def build(case, engine, tag="sample:1"):
    """Base and sample image with `engine`; returns the context's path."""
    import_base(case, engine)
    folder = context(case)
    engine("build", "--network", "none", "-t", tag, folder)
    return folder
