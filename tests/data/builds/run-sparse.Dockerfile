FROM bb:1
RUN dd if=/dev/zero of=/sparse bs=1 count=1 seek=1048576 2>/dev/null
