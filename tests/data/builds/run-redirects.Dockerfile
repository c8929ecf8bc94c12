FROM bb:1
RUN { echo out; echo err >&2; } > /out 2> /err
