# first
FROM bb:1
# between
RUN echo "# not a comment" > /f # shell comment
