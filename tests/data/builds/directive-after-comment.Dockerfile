# just a comment
# escape=`
FROM bb:1
RUN echo a \
    b > /f
