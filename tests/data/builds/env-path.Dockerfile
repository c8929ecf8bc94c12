FROM bb:1
ENV PATH=/opt/bin:$PATH
