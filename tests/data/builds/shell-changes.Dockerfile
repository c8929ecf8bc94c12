FROM bb:1
SHELL ["/bin/sh", "-eu", "-c"]
RUN echo $0 > /s
CMD echo x
SHELL ["/bin/busybox", "sh", "-c"]
ENTRYPOINT exec top
