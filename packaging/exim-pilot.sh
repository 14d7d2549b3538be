#!/bin/sh
# Starts the program with the Node.js that comes with it. Since 2.34 glibc has no file named after its version.
program=@PROGRAM@
for old in /lib64/libc-2.*.so /lib/@MULTIARCH@/libc-2.*.so; do
  if [ -e "$old" ]; then
    echo "error: exim-pilot needs glibc 2.34 or newer (Debian 12, Ubuntu 22.04, RHEL 9), and this system has $old." >&2
    exit 3
  fi
done
if [ ! -e @LOADER@ ]; then
  echo "error: exim-pilot needs @MACHINE@ Linux with glibc 2.34 or newer, and this system has no @LOADER@." >&2
  exit 3
fi
exec "$program/bin/node" "$program/bin/exim-pilot.js" "$@"
