FROM bb:1 AS base
CMD ["base-cmd"]
FROM base
ENTRYPOINT ["e"]
