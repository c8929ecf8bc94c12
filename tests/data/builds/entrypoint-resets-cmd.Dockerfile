FROM bb:1
CMD ["from-here"]
ENTRYPOINT ["x"]
