# A root file system from a tar archive: how distributions make their base image.
FROM scratch
ADD alpine-minirootfs-3.19.1-x86_64.tar.gz /
CMD ["/bin/sh"]
