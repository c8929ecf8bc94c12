FROM bb:1
CMD ["unterminated", "list"
