FROM bb:1
ENTRYPOINT echo $HOME
CMD ["ignored"]
