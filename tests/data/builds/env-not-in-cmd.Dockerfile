FROM bb:1
ENV A=1
CMD echo $A
ENTRYPOINT ["echo", "$A"]
