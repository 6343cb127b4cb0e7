# The number of installed versions after this: 0 when the last one goes.
if [ "$1" = 0 ]; then /usr/lib/rsqlflow/before-remove; fi
