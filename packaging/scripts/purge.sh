# Run when the administrator wants nothing to stay.
rm -rf /var/lib/exim-pilot /var/cache/exim-pilot /etc/exim-pilot
if getent passwd exim-pilot >/dev/null; then userdel exim-pilot; fi
