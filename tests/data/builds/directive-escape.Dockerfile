# escape=`
FROM bb:1
ENV A=one` two B=c:\dir
RUN echo a `
    b > /f
LABEL p="x`"y"
