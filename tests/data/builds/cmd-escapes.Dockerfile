FROM bb:1
CMD ["a\"b", "c\\d", "\u00e9", "tab\t"]
