# The number of installed versions after this: 1 at first, more when one is replaced.
/usr/lib/rsqlflow/after-install "$([ "$1" = 1 ] && echo first || echo upgrade)"
