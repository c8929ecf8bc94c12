FROM bb:1
CMD echo hello world
CMD ["echo", "hello"]
CMD [ "spaced" , "out" ]
